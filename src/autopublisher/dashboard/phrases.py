"""What the product writes into a run's log and warnings, in Spanish: sentence patterns by event tag.

Only our own sentences are translated. What a person or Meta wrote stays as it was written, whole or as a part of ours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from autopublisher.dashboard.waiting_phrases import CLAIMS, HELD, STOPPING, WAITS

WARNING: Final = "warning"
"""The tag under which a run's and an account's warnings are looked up, and what a stop is missing."""

ATTENTION: Final = "attention"
"""The tag of what a run waits for: that may be any sentence of ours."""

_RUN = "orchestrator:run:"
_WRITE = "executor:operation:"
_ENDED = (
    "Ended as {status} ({reason}); {number} objects verified off at Meta",
    "Terminada como {status} ({reason}); {number} objetos comprobados como apagados en Meta",
)
_AGAIN = ("Trying again at {wait}: {why}", "Se intentará de nuevo el {wait}: {why}")
_NO_RULE = (
    "Meta's own rule could not be installed ({why}); the campaign's spend limit at Meta stands.",
    "No se pudo instalar la regla propia de Meta ({why}); el límite de gasto de la campaña en Meta sigue en pie.",
)

_NO_STUDY = (
    "Meta's split test was not to be had ({why}); people are not divided at random between the variants.",
    "No se pudo obtener la prueba dividida de Meta ({why}); las personas no se reparten al azar entre las variantes.",
)

_LOST_STUDY = (
    "Meta's split test cannot be shown to have lasted ({why}); the verdict does not count on it.",
    "No se puede mostrar que la prueba dividida de Meta durase hasta el final ({why}); el veredicto no cuenta con ella.",
)

_LATE = (
    "Scheduled for {wanted} UTC, begun {late} later: no worker ran then, or other runs took the places.",
    "Programada para el {wanted} UTC, comenzada {late} más tarde: nadie trabajaba, u otras ocupaban los puestos.",
)

_SENTENCES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    f"{_RUN}submitted": (("Run requested: {name}", "Ejecución solicitada: {name}"),),
    f"{_RUN}late": (_LATE,),
    f"{_RUN}admitted": (
        (
            "Admitted: {variants} variants, {objects} objects to create",
            "Admitida: {variants} variantes, {objects} objetos por crear",
        ),
    ),
    f"{_RUN}test_started": (
        ("{number} objects built, verified and active", "{number} objetos creados, comprobados y activos"),
    ),
    f"{_RUN}delivery_started": (
        (
            "All ads are live; the test runs until {ends}",
            "Todos los anuncios están en circulación; la prueba dura hasta el {ends}",
        ),
    ),
    f"{_RUN}not_delivering": (
        (
            "The ad account has reached its own spending limit at Meta ({limit}): nothing of it delivers. {remedy}",
            "La cuenta ha alcanzado su propio límite de gasto en Meta ({limit}): nada de ella se entrega; súbalo o cancele.",
        ),
        (
            "The ad account's own spending limit at Meta ({limit}) leaves less than this test could still spend: {remedy}",
            "El límite de gasto propio de la cuenta en Meta ({limit}) no alcanza para el resto de esta prueba; súbalo.",
        ),
        (
            "Meta has stopped the ad account (account_status {status}); see Ads Manager",
            "Meta ha detenido la cuenta publicitaria (account_status {status}); consulte Ads Manager",
        ),
        (
            "Meta does not deliver {ads}; the test goes on without",
            "Meta no entrega {ads}; la prueba sigue sin ello",
        ),
    ),
    f"{_RUN}test_ended": (
        (
            "The planned duration is over; figures failed: {why}",
            "La duración prevista ha terminado; no se pudieron leer las cifras: {why}",
        ),
        (
            "The test has ended: the planned duration is over",
            "La prueba ha terminado: se cumplió la duración prevista",
        ),
        ("The test has ended: verdict {kind}", "La prueba ha terminado: hay veredicto ({kind})"),
    ),
    f"{_RUN}test_stopped": (
        (
            "All arms are paused; late conversions settle until {settles}",
            "Todas las variantes están en pausa; se esperan conversiones tardías hasta el {settles}",
        ),
    ),
    f"{_RUN}edited": (
        ("Changed at Meta by somebody else: {what}", "Modificado en Meta por otra persona: {what}"),
    ),
    f"{_RUN}winner_selected": (
        ("Variant {letter} is the proven winner", "La variante {letter} es la ganadora demostrada"),
    ),
    f"{_RUN}no_winner": (("No winner was proven", "No se demostró ninguna ganadora"),),
    f"{_RUN}approval_requested": (
        ("Waiting for a person: a proven winner", "Se espera a una persona: hay una ganadora demostrada"),
        (
            "Waiting for a person: a best bet, not proven",
            "Se espera a una persona: hay una mejor apuesta, sin demostrar",
        ),
        (
            "Waiting for a person: no proven winner",
            "Se espera a una persona: no hay ganadora demostrada",
        ),
    ),
    f"{_RUN}approved": (
        (
            "{actor} overrode the verdict and approved variant {letter}. Reason: {comment}",
            "{actor} aprobó la variante {letter} contra el veredicto. Motivo: {comment}",
        ),
        (
            "{actor} approved variant {letter} (not proven). Reason: {comment}",
            "{actor} aprobó la variante {letter} (sin demostrar). Motivo: {comment}",
        ),
        (
            "{actor} approved variant {letter}. Reason: {comment}",
            "{actor} aprobó la variante {letter}. Motivo: {comment}",
        ),
        (
            "{actor} approved variant {letter} (not proven)",
            "{actor} aprobó la variante {letter} (sin demostrar)",
        ),
        ("{actor} approved variant {letter}", "{actor} aprobó la variante {letter}"),
    ),
    f"{_RUN}approval_expired": (
        (
            "Nobody approved in time; nothing was published",
            "Nadie aprobó a tiempo; no se publicó nada",
        ),
    ),
    f"{_RUN}cancel_asked": (
        ("cancellation asked by {actor}: {reason}", "cancelación solicitada por {actor}: {reason}"),
        ("cancellation asked by {actor}", "cancelación solicitada por {actor}"),
        ("cancelled by {actor}: {reason}", "cancelada por {actor}: {reason}"),
        ("cancelled by {actor}", "cancelada por {actor}"),
    ),
    f"{_RUN}held": (HELD,),
    f"{_RUN}adopt_asked": (
        (
            "{actor} asked to adopt what Meta holds: {found}",
            "{actor} pidió adoptar lo que tiene Meta: {found}",
        ),
    ),
    f"{_RUN}adopted": (
        ("{actor} adopted what Meta holds: {found}", "{actor} adoptó lo que tiene Meta: {found}"),
    ),
    f"{_RUN}adopt_refused": (("Nothing is adopted: {why}", "No se adopta nada: {why}"),),
    f"{_RUN}stopped": (
        (
            "The account is stopped by {actor}: {reason}",
            "La cuenta está detenida por {actor}: {reason}",
        ),
    ),
    f"{_RUN}resumed": (
        (
            "The stop was lifted; the run goes on",
            "La parada se levantó; la ejecución continúa",
        ),
    ),
    f"{_RUN}reactivated": (
        (
            "The final campaign is switched on again after a stop; Meta shows it active",
            "La campaña final vuelve a estar activa tras una parada, como muestra Meta",
        ),
    ),
    f"{_RUN}nothing_to_scale": (("Nothing is published: {reason}", "No se publica nada: {reason}"),),
    f"{_RUN}scaled": (
        (
            "Final campaign: {total} in all, a lifetime budget, until {ends}",
            "Campaña final: {total} en total, como presupuesto total, hasta el {ends}",
        ),
        (
            "Final campaign: {total} in all, {daily} a day ({why}), until {ends}",
            "Campaña final: {total} en total, {daily} al día ({why}), hasta el {ends}",
        ),
    ),
    f"{_RUN}without_rule": (_NO_RULE,),
    f"{_RUN}without_study": (_NO_STUDY,),
    f"{_RUN}study_lost": (_LOST_STUDY,),
    f"{_RUN}study_left": (
        (
            "Meta's split test could not be cancelled ({why}); it divides nobody once its time is over.",
            "No se pudo cancelar la prueba dividida de Meta ({why}); no reparte a nadie cuando acaba su tiempo.",
        ),
    ),
    f"{_RUN}divided": (
        (
            "Meta's split test divides people at random between the variants",
            "La prueba dividida de Meta reparte a las personas al azar entre las variantes",
        ),
    ),
    f"{_RUN}completed": (
        (
            "Published variant {letter} as the final campaign; every test arm is paused",
            "Variante {letter} publicada como campaña final; todas las variantes de prueba están en pausa",
        ),
        _ENDED,
    ),
    f"{_RUN}cancelled": (_ENDED,),
    f"{_RUN}failed": (
        ("Refused before anything was created: {why}", "Rechazada antes de crear nada: {why}"),
        _ENDED,
    ),
    f"{_RUN}failing": (("The run cannot go on: {why}", "La ejecución no puede continuar: {why}"),),
    f"{_RUN}refused": (
        (
            (
                "Meta does not deliver the final ad any more ({why}). Change it in Ads Manager, after which Meta reviews it "
                "again; what is left of the campaign's budget can be spent until {until}"
            ),
            (
                "Meta ya no entrega el anuncio final ({why}). Cámbielo en Ads Manager y Meta lo revisará de nuevo; lo que "
                "queda del presupuesto de la campaña puede gastarse hasta el {until}"
            ),
        ),
        (
            (
                "Meta does not deliver the final ad ({why}). Change it in Ads Manager, after which Meta reviews it again, "
                "approve another variant, or cancel the run; at {until} it ends with everything off"
            ),
            (
                "Meta no entrega el anuncio final ({why}). Cámbielo en Ads Manager y Meta lo revisará de nuevo, apruebe "
                "otra variante o cancele; el {until} la ejecución termina con todo apagado"
            ),
        ),
    ),
    f"{_RUN}delivered_again": (
        ("Meta delivers the final ad again", "Meta vuelve a entregar el anuncio final"),
    ),
    f"{_RUN}campaign_in_review": (
        (
            "Meta reviews the final ad again and does not deliver it meanwhile",
            "Meta revisa de nuevo el anuncio final y entretanto no lo entrega",
        ),
    ),
    f"{_RUN}campaign_paused": (
        ("The final campaign is paused", "La campaña final está en pausa"),
        (
            "The final campaign was paused at Meta, and not by us",
            "La campaña final se pausó en Meta, y no lo hicimos nosotros",
        ),
        (
            "The final campaign's ad was deleted at Meta, and not by us: nothing of it is delivered",
            "El anuncio de la campaña final se eliminó en Meta, y no lo hicimos nosotros: nada de ella se entrega",
        ),
        ("The final campaign is paused by a stop", "La campaña final está en pausa por una parada"),
        (
            "The final campaign is paused, for more could be spent than is set aside",
            "La campaña final está en pausa, porque podía gastarse más de lo reservado",
        ),
    ),
    f"{_RUN}over": (
        (
            "The final campaign's time is over; Meta did not deliver its ad to the end",
            "El tiempo de la campaña final ha terminado; Meta no entregó su anuncio hasta el final",
        ),
        (
            "The final campaign's time is over; its figures are read until they have settled",
            "El tiempo de la campaña final ha terminado; sus cifras se leen hasta que se consoliden",
        ),
        (
            "The final campaign has ended before its time: somebody has moved its end at Meta",
            "La campaña final ha terminado antes de tiempo: alguien ha movido su final en Meta",
        ),
        (
            "The final campaign was deleted at Meta, and not by us",
            "La campaña final se eliminó en Meta, y no lo hicimos nosotros",
        ),
    ),
    f"{_RUN}campaign_settled": (
        (
            "The final campaign's figures have settled: {spent} of {budget} spent",
            "Las cifras de la campaña final se han consolidado: {spent} gastados de {budget}",
        ),
    ),
    f"{_RUN}books_changed": (
        (
            (
                "Meta now keeps the account's books in {found}, not in {known} as when the run began: its figures are not "
                "read any more, and what it has spent is told as of the last reading before. See in Ads Manager what the "
                "campaign's budget is now, and stop the account where it should not go on"
            ),
            (
                "Meta lleva ahora las cuentas en {found}, no en {known} como al empezar: sus cifras ya no se leen, y lo "
                "gastado es lo de la última lectura anterior. Vea en Ads Manager cuál es ahora el presupuesto de la "
                "campaña, y detenga la cuenta si no debe continuar"
            ),
        ),
        (
            (
                "Meta now keeps the account's books in {found}, not in {known} as when the run began: its spend stays "
                "whole, and limits by day go on counting with the time zone that was"
            ),
            (
                "Meta lleva ahora las cuentas en {found}, no en {known} como al empezar: su gasto sigue completo, y los "
                "límites por día siguen contando con la zona horaria anterior"
            ),
        ),
    ),
    f"{_RUN}books_back": (
        (
            "Meta keeps the account's books in the run's currency again; its figures are read again",
            "Meta vuelve a llevar las cuentas en la moneda de la ejecución; sus cifras se leen de nuevo",
        ),
        (
            "Meta keeps the account's books in the time zone of the run's beginning again",
            "Meta vuelve a llevar las cuentas en la zona horaria del comienzo de la ejecución",
        ),
    ),
    f"{_RUN}stuck": (("Winding down needs attention: {why}", "El cierre requiere atención: {why}"),),
    f"{_RUN}needs_person": (_AGAIN,),
    f"{_RUN}put_off": (_AGAIN,),
    f"{_RUN}lifted": (
        (
            "A tick died; the run goes on with a new one",
            "Un paso se interrumpió; la ejecución sigue con otro",
        ),
    ),
    f"{_WRITE}created": (("{key} created at Meta ({id})", "{key} creado en Meta ({id})"),),
    f"{_WRITE}uploaded": (("{key} uploaded at Meta ({id})", "{key} subido a Meta ({id})"),),
    f"{_WRITE}updated": (("{key} updated at Meta ({id})", "{key} modificado en Meta ({id})"),),
    f"{_WRITE}deleted": (("{key} deleted at Meta ({id})", "{key} eliminado en Meta ({id})"),),
    f"{_WRITE}rejected": (("Meta refused {key}: {said}", "Meta rechazó {key}: {said}"),),
    f"{_WRITE}found": (
        (
            "Meta holds what this database does not know of: {what}; a person has to decide",
            "Meta tiene algo que esta base de datos no conoce: {what}; debe decidirlo una persona",
        ),
        (
            "Meta holds what this database does not know of: {what}; it is what the plan asks for and counts as made",
            "Meta tiene algo que esta base de datos no conoce: {what}; es lo que pide el plan y cuenta como creado",
        ),
    ),
    f"{_WRITE}duplicate_found": (
        (
            "Meta holds a second object for {key}: {id}; it will be switched off",
            "Meta tiene un segundo objeto para {key}: {id}; se apagará",
        ),
    ),
    WARNING: (
        (
            "Picture {name} has {size}; for {places} Meta asks for at least {least} and may blur or refuse it.",
            "La imagen {name} tiene {size}; para {places} Meta pide al menos {least} y puede desenfocarla o rechazarla.",
        ),
        (
            "Picture {name} has {size}; for {places} Meta takes shapes between 1.91:1 and 9:16 and may crop or refuse it.",
            "La imagen {name} tiene {size}; para {places} Meta admite de 1.91:1 a 9:16 y puede recortarla o rechazarla.",
        ),
        (
            "Picture {name} has {size}; for {places} Meta crops what is taller than 4:5.",
            "La imagen {name} tiene {size}; para {places} Meta recorta lo que es más alto que 4:5.",
        ),
        (
            "Nothing is switched on or created until a stop is lifted: stopped by {actor}: {reason}",
            "Nada se activa ni se crea hasta que se levante una parada: detenida por {actor}: {reason}",
        ),
        (
            "Objective {asked} is no longer created by Meta; {used} is used instead.",
            "Meta ya no crea el objetivo {asked}; se usa {used} en su lugar.",
        ),
        (
            "A test shorter than three days cannot see differences between days of the week.",
            "Una prueba de menos de tres días no puede ver diferencias entre días de la semana.",
        ),
        (
            "The tests may use up total_budget, so nothing may be left to scale the winner.",
            "Las pruebas pueden agotar total_budget, y quizá no quede nada para escalar la ganadora.",
        ),
        (
            (
                "Once the tests have spent their money, {left} is left for the winner, below Meta's minimum of {least} a "
                "day: then nothing can be published."
            ),
            (
                "Cuando las pruebas hayan gastado su dinero, quedarán {left} para la ganadora, menos que el mínimo de Meta "
                "de {least} al día: entonces no se podrá publicar nada."
            ),
        ),
        (
            (
                "The ad account's own spending limit at Meta leaves {left} of the {total} this run may spend: the winner is "
                "published only once the limit leaves enough."
            ),
            (
                "El límite de gasto propio de la cuenta en Meta deja {left} de los {total} que esta ejecución puede gastar: "
                "la ganadora solo se publica cuando el límite lo permita."
            ),
        ),
        (
            "{name}: Meta recommends at most {most} characters and may cut off the rest; the longest has {longest}.",
            "{name}: Meta recomienda {most} caracteres como máximo y puede cortar el resto; el más largo tiene {longest}.",
        ),
        (
            (
                "No Instagram account is named (ad.instagram_user_id): on Instagram the ads appear under the page's name, "
                "or Meta refuses them."
            ),
            (
                "No se ha indicado ninguna cuenta de Instagram (ad.instagram_user_id): en Instagram los anuncios aparecen "
                "con el nombre de la página, o Meta los rechaza."
            ),
        ),
        (
            (
                "Meta wants some advertisers verified before their ads are shown in Brazil: see in Business settings "
                "whether this account has to be."
            ),
            (
                "Meta exige a algunos anunciantes una verificación antes de mostrar sus anuncios en Brasil: compruebe en la "
                "configuración del negocio si esta cuenta la necesita."
            ),
        ),
        (
            "Meta shows ads of category {name} only for advertisers that it has authorised.",
            "Meta solo muestra anuncios de la categoría {name} de anunciantes que ha autorizado.",
        ),
        (
            "the installation has a daily limit, but none for {currency}: nothing more is let through.",
            "La instalación tiene un límite diario, pero ninguno para {currency}: no se deja pasar nada más.",
        ),
        (
            "the installation has a monthly limit, but none for {currency}: nothing more is let through.",
            "La instalación tiene un límite mensual, pero ninguno para {currency}: no se deja pasar nada más.",
        ),
        _NO_RULE,
        _NO_STUDY,
        _LOST_STUDY,
        HELD,
        *CLAIMS,
        *STOPPING,
    ),
    ATTENTION: WAITS,
}


@dataclass(frozen=True)
class Said:
    """A text and the language it is in."""

    text: str
    language: str


def in_spanish(tag: str, english: str) -> Said:
    """Return a sentence of the product in Spanish; as it is where it is not one of ours, or its tag is unknown."""
    known = _EVERY if tag == ATTENTION else _PATTERNS.get(tag, ())
    for pattern, spanish in known:
        found = pattern.fullmatch(english)
        if found is not None:
            return Said(spanish.format(**_parts_in_spanish(found.groupdict())), "es")
    return Said(english, "en")


def _parts_in_spanish(parts: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of a sentence, its reason in Spanish where that is one of our sentences itself."""
    return {name: in_spanish(WARNING, text).text if name == "why" else text for name, text in parts.items()}


def _pattern(sentence: str) -> re.Pattern[str]:
    """Return what recognises a sentence: its words, and anything, as little as fits, in the place of each name in braces."""
    parts = re.split(r"\{(\w+)\}", sentence)
    named = [f"(?P<{part}>.*?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)]
    return re.compile("".join(named), re.DOTALL)


_PATTERNS: Final = {
    tag: tuple((_pattern(english), spanish) for english, spanish in sentences)
    for tag, sentences in _SENTENCES.items()
}
_EVERY: Final = tuple(one for patterns in _PATTERNS.values() for one in patterns)
