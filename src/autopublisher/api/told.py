"""What all answers have in common."""

from pydantic import BaseModel, ConfigDict


class Told(BaseModel):
    """What every answer has in common."""

    model_config = ConfigDict(frozen=True)
