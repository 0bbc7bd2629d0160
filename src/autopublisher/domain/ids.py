"""Names for the identifiers that travel through the product, so that no two of them are ever swapped."""

from typing import NewType

RunId = NewType("RunId", str)
"""A run's UUID in its hyphenated text form."""

AccountId = NewType("AccountId", str)
"""Our own UUID of an ad account (the brief's ``meta_account_id``)."""

CreativeId = NewType("CreativeId", str)
"""Our own UUID of a creative."""

UserId = NewType("UserId", str)
"""Our own UUID of a user."""

ActId = NewType("ActId", str)
"""Meta's id of an ad account: ``act_`` and digits."""

MetaId = NewType("MetaId", str)
"""Meta's id of a campaign, ad set, creative, ad or (as a hash) image."""

StopId = NewType("StopId", str)
"""Our own UUID of a stop."""

CampaignId = NewType("CampaignId", str)
"""Our own id of a final campaign: its run's, and ``:final``."""

InstallationId = NewType("InstallationId", str)
"""Our own UUID of an installation: of everything that shares one database, and of what was restored from it."""
