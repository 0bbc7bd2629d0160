"""The dashboard's words in English and Spanish, and which of the two a reader gets."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, cast

Language = Literal["en", "es"]
LANGUAGES: Final = ("en", "es")

_WORDS: dict[str, tuple[str, str]] = {
    "product": ("AutoPublisher", "AutoPublisher"),
    "skip": ("Skip to content", "Saltar al contenido"),
    "sign_in": ("Sign in", "Iniciar sesión"),
    "sign_out": ("Sign out", "Cerrar sesión"),
    "username": ("User name", "Usuario"),
    "password": ("Password", "Contraseña"),
    "runs": ("Runs", "Ejecuciones"),
    "approvals": ("Approvals", "Aprobaciones"),
    "system": ("System", "Sistema"),
    "other_language": ("Español", "English"),
    "campaign": ("Campaign", "Campaña"),
    "status": ("Status", "Estado"),
    "spent": ("Spent", "Gastado"),
    "of_total": ("of", "de"),
    "created": ("Created", "Creada"),
    "no_runs": ("There are no runs yet.", "Aún no hay ejecuciones."),
    "no_approvals": ("No run is waiting for approval.", "Ninguna ejecución espera aprobación."),
    "older": ("Older runs", "Ejecuciones anteriores"),
    "progress": ("Progress", "Progreso"),
    "step_done": ("done", "hecho"),
    "step_current": ("now", "ahora"),
    "step_open": ("to come", "por venir"),
    "verdict": ("Verdict", "Veredicto"),
    "no_verdict": ("The test has not been judged yet.", "La prueba aún no se ha evaluado."),
    "proven": ("Proven at the stated error rate", "Demostrado con la tasa de error indicada"),
    "not_proven": ("Not proven", "No demostrado"),
    "money": ("Money", "Dinero"),
    "could_be_spent": ("Could still be spent at Meta", "Aún podría gastarse en Meta"),
    "total_budget": ("Total budget, never exceeded", "Presupuesto total, nunca superado"),
    "variants": ("Variants", "Variantes"),
    "variant": ("Variant", "Variante"),
    "spend": ("Spend", "Gasto"),
    "revenue": ("Revenue", "Ingresos"),
    "conversions": ("Conversions", "Conversiones"),
    "clicks": ("Clicks", "Clics"),
    "roas": ("ROAS", "ROAS"),
    "interval": ("ROAS interval", "Intervalo de ROAS"),
    "no_variants": ("The variants have not been created yet.", "Las variantes aún no se han creado."),
    "objects": ("At Meta", "En Meta"),
    "kind": ("Kind", "Tipo"),
    "name": ("Name", "Nombre"),
    "meta_id": ("Meta id", "Id de Meta"),
    "no_objects": ("Nothing has been created at Meta.", "No se ha creado nada en Meta."),
    "events": ("Log", "Registro"),
    "time": ("Time", "Hora"),
    "event": ("Event", "Suceso"),
    "by": ("By", "Por"),
    "approve": ("Approve and publish", "Aprobar y publicar"),
    "approval_title": ("This run waits for your approval", "Esta ejecución espera su aprobación"),
    "final_campaign": ("Final campaign", "Campaña final"),
    "final.building": ("being built", "en construcción"),
    "final.in_review": ("in review at Meta", "en revisión en Meta"),
    "final.refused": ("refused by Meta's review", "rechazada por la revisión de Meta"),
    "final.delivering": ("delivering", "en circulación"),
    "final.paused": ("paused", "en pausa"),
    "final.ended": ("ended; its figures settle", "terminada; sus cifras se consolidan"),
    "final.settled": ("ended and settled", "terminada y consolidada"),
    "approval_until": ("Open until", "Abierta hasta"),
    "approval_unproven": (
        "No variant is proven better. Whichever you choose is your own judgement.",
        "Ninguna variante ha demostrado ser mejor. La elección queda a su criterio.",
    ),
    "approval_stake": ("Most that publishing may spend", "Lo máximo que podrá gastar la publicación"),
    "approval_daily": (
        "Daily budget aimed at (Meta's minimum may raise it)",
        "Presupuesto diario previsto (el mínimo de Meta puede subirlo)",
    ),
    "approval_choice": ("Variant to publish", "Variante que se publicará"),
    "approval_winner": ("proven winner", "ganadora demostrada"),
    "approval_leader": ("likeliest", "la más probable"),
    "approval_digest": ("Plan", "Plan"),
    "comment": ("Comment (optional)", "Comentario (opcional)"),
    "cancel": ("Stop this run", "Detener esta ejecución"),
    "cancel_explain": (
        "Everything of this run at Meta is paused or deleted. This cannot be undone.",
        "Todo lo de esta ejecución en Meta se pausa o se elimina. No se puede deshacer.",
    ),
    "reason": ("Reason (optional)", "Motivo (opcional)"),
    "cancelling": ("Being stopped", "Deteniéndose"),
    "database_older": (
        "This database is older than what Meta shows",
        "Esta base de datos es anterior a lo que muestra Meta",
    ),
    "older_explain": (
        (
            "Meta holds these objects of the run, and this database lacks them or knew them otherwise, as after a restored "
            "backup. Nothing is written until you adopt them, or stop the run with all of them off."
        ),
        (
            "Meta tiene estos objetos de la ejecución y a esta base de datos le faltan o los conocía de otro modo, como "
            "tras restaurar una copia. No se escribe nada hasta que los adopte o detenga la ejecución con todo apagado."
        ),
    ),
    "older_possible": ("Spent in the end, at worst", "Gastado al final, en el peor caso"),
    "older_adopt": ("Adopt what Meta shows and go on", "Adoptar lo que muestra Meta y continuar"),
    "attention": ("Needs attention", "Requiere atención"),
    "failure": ("Why it ended", "Por qué terminó"),
    "warnings": ("Good to know", "Conviene saber"),
    "page_as_of": ("As of", "Actualizado a"),
    "reload": ("Reload", "Recargar"),
    "end_sure": ("Yes, I have read what happens", "Sí, he leído lo que ocurre"),
    "reject": ("Reject: publish nothing", "Rechazar: no publicar nada"),
    "reject_explain": (
        "Nothing is published or spent any more. What the test made at Meta is paused or deleted. This cannot be undone.",
        "No se publica ni se gasta nada más. Lo que la prueba creó en Meta se pausa o elimina. No se puede deshacer.",
    ),
    "reject_by_others": (
        "Only a manager or an administrator can reject it.",
        "Solo un manager o un administrador puede rechazarla.",
    ),
    "no_run": ("of no run here", "de ninguna ejecución de aquí"),
    "lost": ("There is nothing at this address.", "No hay nada en esta dirección."),
    "host_not_trusted": (
        "This installation may not be called by this name. Use one that AUTO_PUBLISHER_TRUSTED_HOSTS lists, or add it.",
        "Esta instalación no puede llamarse por este nombre. Use uno que figure en AUTO_PUBLISHER_TRUSTED_HOSTS, o añádalo.",
    ),
    "error": ("That did not work", "No ha funcionado"),
    "back": ("Back", "Volver"),
    "form_stale": (
        "This form is no longer valid. Go back, reload the page and try again.",
        "Este formulario ya no es válido. Vuelva, recargue la página e inténtelo de nuevo.",
    ),
    "wrong_password": ("The name or the password is wrong.", "El usuario o la contraseña no son correctos."),
    "too_many": (
        "Too many attempts. Wait a moment, then try again.",
        "Demasiados intentos. Espere un momento e inténtelo de nuevo.",
    ),
    "approval_override": (
        "against the verdict: needs a manager or an administrator, and a reason",
        "contra el veredicto: requiere responsable o administrador, y un motivo",
    ),
    "release": ("Release", "Autorización"),
    "releases": ("Released", "Autorizadas"),
    "release_variant": ("Released variant", "Variante autorizada"),
    "release_override": (
        "Chosen against the verdict; this choice is not proven.",
        "Elegida contra el veredicto; esta elección no está demostrada.",
    ),
    "release_reason": ("Reason", "Motivo"),
    "verdict_names": ("The verdict names", "El veredicto señala"),
    "approved": ("Your approval was recorded.", "Su aprobación ha quedado registrada."),
    "database": ("Database", "Base de datos"),
    "work_engine": ("Work engine", "Motor de trabajo"),
    "running": ("running", "en marcha"),
    "stopped_engine": ("stopped", "parado"),
    "elsewhere": ("in another process", "en otro proceso"),
    "reaching_meta": ("Meta", "Meta"),
    "overdue": ("Overdue runs", "Ejecuciones con retraso"),
    "mode": ("Mode", "Modo"),
    "ok": ("well", "bien"),
    "stops": ("Stops", "Paradas"),
    "stop_everything": ("Stop everything", "Detener todo"),
    "stop_explain": (
        "Every campaign, ad set and ad of ours is paused at Meta, and checked. Runs wait until the stop is lifted.",
        "Se pausan y comprueban en Meta todas nuestras campañas, conjuntos y anuncios. Las ejecuciones esperan.",
    ),
    "stop_scope": ("What to stop", "Qué detener"),
    "everything": ("Everything", "Todo"),
    "stop_reason": ("Reason", "Motivo"),
    "stop_sure": ("Yes, stop now", "Sí, detener ahora"),
    "stop_press": ("Stop now", "Detener ahora"),
    "stop_without_database": (
        "The kill switch works all the same: it pauses everything of ours at Meta without the database.",
        "El botón de parada funciona igualmente: pausa todo lo nuestro en Meta sin la base de datos.",
    ),
    "stop_unrecorded": (
        "The database has not taken this stop yet. It stands in the data folder's emergency notes and holds all the same.",
        "La base de datos aún no ha recogido esta parada. Consta en las notas de emergencia y está en vigor.",
    ),
    "stop_confirmed": ("confirmed off at Meta", "confirmado en Meta"),
    "stop_unconfirmed": ("not confirmed yet", "aún sin confirmar"),
    "stop_lifted": ("lifted", "levantada"),
    "stop_looked": ("last looked at", "última comprobación"),
    "stop_details": ("Details", "Detalles"),
    "stopped_all": ("Everything is stopped", "Todo está detenido"),
    "stopped_account": ("Stopped: account", "Detenida: cuenta"),
    "lifted_all": ("Lifted: the stop of everything", "Levantada: la parada de todo"),
    "lifted_account": ("Lifted: the stop of account", "Levantada: la parada de la cuenta"),
    "scheduled_for": ("Scheduled for", "Programada para"),
    "as_of": ("as of", "a fecha de"),
    "share_evidence": (
        "Evidence in (spend whose purchases can have been reported)",
        "Evidencia reunida (gasto cuyas compras ya pueden constar)",
    ),
    "share_money": ("Test money spent", "Dinero de la prueba gastado"),
    "share_time": ("Test time gone by", "Tiempo de prueba transcurrido"),
    "test_ends": ("The test ends", "La prueba termina"),
    "next_analysis": ("Next analysis, at the present pace", "Próximo análisis, al ritmo actual"),
    "no_stops": ("Nothing has ever been stopped.", "Nunca se ha detenido nada."),
    "lift": ("Resume", "Reanudar"),
    "lift_reason": ("Why it may go on", "Por qué puede continuar"),
    "lift_reactivate": (
        "Also switch the final campaigns of completed runs on again",
        "Activar también las campañas finales de ejecuciones completadas",
    ),
    "closing": ("At the end", "Al terminar"),
    "closing_done": ("What was done", "Qué se hizo"),
    "done.created": ("created", "creado"),
    "done.cancelled": ("cancelled", "cancelado"),
    "done.deleted": ("deleted", "eliminado"),
    "done.paused": ("paused", "pausado"),
    "done.switched on": ("switched on", "activado"),
    "done.changed": ("changed", "modificado"),
    "done.created, never switched on": ("created, never switched on", "creado, nunca activado"),
    "exposure": ("Exposure", "Exposición"),
    "exposure_explain": (
        "What Meta could still spend at worst if nobody were there any more.",
        "Lo que Meta aún podría gastar, en el peor caso, si ya no hubiera nadie.",
    ),
    "unknown_runs": (
        "On at Meta with our mark, and of runs this database does not have (lost, restored, or another installation's):",
        "Activos en Meta con nuestra marca y de ejecuciones que esta base de datos no tiene (perdida, restaurada o ajena):",
    ),
    "since": ("since", "desde"),
    "uncounted": (
        "Not in these figures, for no journal has them and they may be on:",
        "No están en estas cifras, pues ningún diario los tiene y pueden estar activos:",
    ),
    "limit_at_meta": (
        "The account's own spending limit at Meta:",
        "Límite de gasto propio de la cuenta en Meta:",
    ),
    "limit_at_meta_reached": (
        "It is reached: nothing of the account delivers.",
        "Se ha alcanzado: nada de la cuenta se entrega.",
    ),
    "no_accounts": ("No ad account is registered.", "No hay ninguna cuenta publicitaria registrada."),
    "committed": ("Committed", "Comprometido"),
    "could_still": ("Could still be spent", "Aún podría gastarse"),
    "until": ("Until", "Hasta"),
    "limits": ("Limits", "Límites"),
    "limit": ("Limit", "Límite"),
    "limit_whose": ("Whose", "De quién"),
    "limit_period": ("Counted over", "Período"),
    "limit_taken": ("Taken at worst", "Ocupado en el peor caso"),
    "limit_left": ("Left", "Disponible"),
    "no_limits": ("This account has no spend limits.", "Esta cuenta no tiene límites de gasto."),
    "scope.account": ("account", "cuenta"),
    "scope.installation": ("installation", "instalación"),
    "period.day": ("day", "día"),
    "period.month": ("month", "mes"),
    "nothing_open": ("Nothing of ours can spend here.", "Nada nuestro puede gastar aquí."),
    "method": ("How this was judged", "Cómo se ha evaluado"),
    "number": ("Number", "Número"),
    "status.pending": ("Starting", "Iniciando"),
    "status.creating_campaigns": ("Creating variants", "Creando variantes"),
    "status.ab_testing": ("Testing", "Prueba A/B en curso"),
    "status.analyzing_results": ("Analysing", "Analizando"),
    "status.selecting_winner": ("Selecting the winner", "Seleccionando ganador"),
    "status.waiting_approval": ("Waiting for approval", "Esperando aprobación"),
    "status.scaling_budget": ("Scaling the budget", "Escalando presupuesto"),
    "status.publishing_final": ("Publishing", "Publicando"),
    "status.completed": ("Completed", "Completada"),
    "status.failed": ("Failed", "Fallida"),
    "status.cancelled": ("Cancelled", "Cancelada"),
    "state.testing": ("testing", "en prueba"),
    "state.stopped": ("stopped", "detenida"),
    "state.winner": ("winner", "ganadora"),
    "state.chosen": ("chosen by a person, not proven", "elegida por una persona, sin demostrar"),
    "state.set_aside": ("winner of the test, set aside", "ganadora de la prueba, descartada"),
    "docs": ("API reference", "Referencia de la API"),
    "docs_intro": (
        "Every call and every field that is sent, from the document for programs:",
        "Todas las llamadas y todos los campos que se envían, con las descripciones en inglés del documento para programas:",
    ),
    "docs_call": ("Call", "Llamada"),
    "docs_what": ("What it does", "Qué hace"),
    "docs_permission": ("Permission", "Permiso"),
    "docs_body": ("Body", "Cuerpo"),
    "docs_field": ("Field", "Campo"),
    "docs_meaning": ("Meaning", "Significado"),
    "docs_values": ("Values", "Valores"),
    "docs_example": ("Example", "Ejemplo"),
    "docs_required": ("required", "obligatorio"),
    "docs_optional": ("optional", "opcional"),
    "docs_default": ("default", "por defecto"),
    "tag.accounts": ("Accounts", "Cuentas"),
    "tag.autopilot": ("Autopilot", "Piloto automático"),
    "tag.kill switch": ("Kill switch", "Parada de emergencia"),
    "tag.people": ("People", "Personas"),
    "kind.string": ("text", "texto"),
    "kind.integer": ("whole number", "número entero"),
    "kind.number": ("number", "número"),
    "kind.boolean": ("true or false", "true o false"),
    "kind.null": ("null", "null"),
    "kind.object": ("object", "objeto"),
    "kind.date-time": ("date and time", "fecha y hora"),
    "kind.list": ("list of: {}", "lista de: {}"),
    "kind.or": (" or ", " o "),
    "bound.minimum": ("at least {}", "{} como mínimo"),
    "bound.exclusiveMinimum": ("above {}", "más de {}"),
    "bound.maximum": ("at most {}", "{} como máximo"),
    "bound.minLength": ("at least {} characters", "{} caracteres como mínimo"),
    "bound.maxLength": ("at most {} characters", "{} caracteres como máximo"),
    "bound.minItems": ("at least {} values", "{} valores como mínimo"),
    "bound.maxItems": ("at most {} values", "{} valores como máximo"),
    "bound.pattern": ("as {}", "según {}"),
    "state.leader": ("leader", "líder"),
    "state.paused": ("paused", "en pausa"),
}


def words_in(language: Language) -> Mapping[str, str]:
    """Return every word in one language."""
    index = LANGUAGES.index(language)
    return MappingProxyType({key: both[index] for key, both in _WORDS.items()})


def language_of(asked: str | None, kept: str | None, accepted: str | None) -> Language:
    """Return the reader's language: what they ask for now, chose before, or their browser prefers; else English."""
    for choice in (asked, kept):
        if choice in LANGUAGES:
            return cast("Language", choice)
    return _preferred(accepted or "")


def _preferred(accepted: str) -> Language:
    """Return the language of highest quality in an Accept-Language header."""
    best: Language = "en"
    best_quality = 0.0
    for part in accepted.split(","):
        tag, _, parameter = part.strip().partition(";")
        name = tag.split("-")[0].strip().lower()
        quality = _quality(parameter)
        if name in LANGUAGES and quality > best_quality:
            best, best_quality = cast("Language", name), quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
