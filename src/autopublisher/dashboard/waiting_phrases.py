"""What runs, accounts and stops wait for, in English as it is stored and in Spanish."""

from typing import Final

_CLAIMED = (
    (
        "installation {installation} (start {epoch}) has claimed it at Meta before",
        "la instalación {installation} (arranque {epoch}) la reclamó antes en Meta",
    ),
    (
        (
            "another copy of this database has been started (start {shown} at Meta, {epoch} here): this one is older or was "
            "copied"
        ),
        (
            "se ha arrancado otra copia de esta base de datos (arranque {shown} en Meta, {epoch} aquí): esta es anterior o "
            "una copia"
        ),
    ),
    (
        "this database was restored, copied or moved since it last wrote there",
        "esta base de datos se restauró, se copió o se movió desde que escribió allí por última vez",
    ),
)
CLAIMS: Final = (
    *_CLAIMED,
    (
        (
            "{account} is not this installation's to write to: {why}. Only pauses are written. See that the other is "
            "stopped for good, then run 'autopublisher account take-over {act_id}'."
        ),
        (
            "En {account} no puede escribir esta instalación: {why}. Solo se escriben pausas. Asegúrese de que la otra "
            "quede parada para siempre y ejecute «autopublisher account take-over {act_id}»."
        ),
    ),
    ("{account} could not be claimed: {said}", "No se pudo reclamar {account}: {said}"),
    (
        (
            "installation {installation} (start {epoch}) has a label in this account, too; this one's is older, so the "
            "other writes nothing: stop it, and delete its label"
        ),
        (
            "La instalación {installation} (arranque {epoch}) también tiene una etiqueta en esta cuenta; la de esta es "
            "anterior y la otra no escribe nada: párela y borre su etiqueta"
        ),
    ),
    (
        "the account's labels could not be read: {said}",
        "No se pudieron leer las etiquetas de la cuenta: {said}",
    ),
)
"""What an installation says of its claim on an account, and what people read where something waits because of it."""

HELD: Final = (
    "this database is older than what Meta shows: {found}. Nothing is written until you adopt it or cancel the run.",
    "esta base de datos es anterior a lo que muestra Meta: {found}. Nada se escribe hasta que lo adopte o cancele.",
)

WAITS: Final = (
    ("waiting for Meta to review the final ad", "se espera a que Meta revise el anuncio final"),
    (
        "an arm was on after its test ({why}); what it has spent shows at {at}",
        "una variante estuvo activa después de su prueba ({why}); lo que gastó se verá el {at}",
    ),
    (
        "a duplicate was on, or may have been ({why}); what it has spent shows at {at}",
        "un duplicado estuvo activo, o pudo estarlo ({why}); lo que gastó se verá el {at}",
    ),
    (
        (
            "Nothing is published yet: the ad account's own spending limit at Meta ({limit}) leaves {left}, and the final "
            "campaign is to spend up to {needed}. {remedy}; the run then goes on by itself"
        ),
        (
            "Aún no se publica nada: el límite de gasto propio de la cuenta en Meta ({limit}) deja {left}, y la campaña "
            "final ha de gastar hasta {needed}. Súbalo; después la ejecución continúa por sí sola"
        ),
    ),
)
"""What a run waits for, apart from what its log says, too."""

STOPPING: Final = (
    ("nobody has looked at the account yet", "nadie ha mirado aún la cuenta"),
    ("stopped by {actor}: {reason}", "detenida por {actor}: {reason}"),
    (
        "switching it on was sent shortly before and not answered, so it may still take effect; it is looked at again",
        "poco antes se pidió activarlo y no hubo respuesta, así que aún puede surtir efecto; se mira de nuevo",
    ),
    (
        "another worker is busy with this run; it is looked at again",
        "otro proceso se ocupa de esta ejecución; se mira de nuevo",
    ),
    ("sent; Meta's answer is awaited", "enviado; se espera la respuesta de Meta"),
    ("campaign {id}: {why}", "campaña {id}: {why}"),
    ("adset {id}: {why}", "conjunto de anuncios {id}: {why}"),
    ("ad {id}: {why}", "anuncio {id}: {why}"),
)
"""What a stop is missing until everything is confirmed to be off."""
