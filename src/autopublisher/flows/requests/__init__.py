"""Services for what people ask for, apart from what a run or an account's watch does by itself."""
