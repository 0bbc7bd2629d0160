"""A money decision in plain words, English or Spanish. A bet is never called a winner, and its chance never confidence."""

from collections.abc import Mapping

from autopublisher.domain.evidence.money_decision import Choice, MoneyDecision
from autopublisher.domain.evidence.verdict_phrases import ENGLISH, SPANISH, VerdictPhrases
from autopublisher.domain.evidence.verdict_text import Language
from autopublisher.domain.past_tests import KNOWN_FROM

_PHRASES: Mapping[Language, Mapping[str, str]] = {
    Language.ENGLISH: {
        "publish": "Not proven. {variant} is the better bet: {p_best} likely to be the best one.",
        "proven": "In money, giving {variant} what is left of the budget is worth about {gain} more in sales than splitting"
        " it evenly; anything from {low} to {high} is possible.",
        "proven_share": "In money, giving {variant} what is left of the budget is expected to bring about {gain} more than"
        " splitting it evenly; anything from {low} to {high} is possible.",
        "bet": "In money, as a bet and not proven, {variant} is the better choice: {p_best} likely to be the best one.",
        "ended": "The test has ended because testing on was worth less than deciding; nothing is proven by that.",
        "none": "In money, no variant is ahead.",
        "keep_all": "In money, {variant} leads, but publishing it is expected to cost about as much as it brings, or more.",
        "nothing_more": "In money, spending nothing more is worth most: of each {currency} spent on {variant} about"
        " {returns} come back when the goods are paid.",
        "test": "In money the test is undecided.",
        "gain": "Giving it what is left of the budget is worth about {gain} more in sales than splitting it evenly.",
        "gain_share": "Giving it what is left of the budget is expected to bring about {gain} more than splitting it.",
        "wrong": "If it is not the best, about {wrong} is lost; the risk that it is over 10% behind is {worse}.",
        "keep_split": "{variant} leads, but following it costs about as much as it brings or more. Keep all of them.",
        "test_on": "Undecided.",
        "waits": "Testing on is worth about {waiting} more than deciding now.",
        "scaled": "Published by a campaign of its own with the scaled daily budget instead of going on where it is, it is"
        " expected to bring about {scaled} less: that campaign learns anew and buys dearer.",
        "even": "Testing on is worth no more than deciding now.",
        "costs": "Testing on would cost about {waiting} more than it brings.",
        "assumed": "The size of the gain rests on an assumed spread between ads; tests of the account itself make it known.",
        "little_known": "The size of the gain rests on few finished tests of the account ({tests}); from {least} on it"
        " counts as known.",
    },
    Language.SPANISH: {
        "publish": "No está demostrado. {variant} es la mejor apuesta: {p_best} de probabilidad de ser la mejor.",
        "proven": "En dinero, dar a {variant} lo que queda del presupuesto vale unos {gain} más en ventas que repartirlo por"
        " igual; es posible cualquier cantidad entre {low} y {high}.",
        "proven_share": "En dinero, de dar a {variant} lo que queda del presupuesto se espera alrededor de {gain} más que de"
        " repartirlo; es posible cualquier cantidad entre {low} y {high}.",
        "bet": "En dinero, como apuesta y sin demostrar, {variant} es la mejor opción: {p_best} de probabilidad de ser la"
        " mejor.",
        "ended": "La prueba ha terminado porque seguir probando valía menos que decidir; con ello no se demuestra nada.",
        "none": "En dinero, ninguna variante va por delante.",
        "keep_all": "En dinero, {variant} va por delante, pero se espera que publicarla cueste más o menos lo que aporta, o"
        " más.",
        "nothing_more": "En dinero, lo que más vale es no gastar más: de cada {currency} gastado en {variant} vuelven unos"
        " {returns} una vez pagada la mercancía.",
        "test": "En dinero la prueba está sin decidir.",
        "gain": "Darle lo que queda del presupuesto vale unos {gain} más en ventas que repartirlo por igual.",
        "gain_share": "De darle lo que queda del presupuesto se espera alrededor de {gain} más que de repartirlo.",
        "wrong": "Si no es la mejor, se pierden unos {wrong}; el riesgo de que vaya más de un 10 % por detrás es {worse}.",
        "keep_split": "{variant} va por delante, pero seguirla cuesta más o menos lo que aporta, o más. Conviene"
        " mantenerlas todas.",
        "test_on": "Sin decidir.",
        "waits": "Seguir probando vale unos {waiting} más que decidir ahora.",
        "scaled": "Publicada en una campaña propia con el presupuesto diario escalado, en vez de seguir donde está, se"
        " espera que aporte unos {scaled} menos: esa campaña aprende de nuevo y compra más caro.",
        "even": "Seguir probando no vale más que decidir ahora.",
        "costs": "Seguir probando costaría unos {waiting} más de lo que aporta.",
        "assumed": "El tamaño de la ganancia se apoya en una diferencia supuesta entre anuncios; las pruebas de la propia"
        " cuenta la dan a conocer.",
        "little_known": "El tamaño de la ganancia se apoya en pocas pruebas terminadas de la cuenta ({tests}); a partir de"
        " {least} se considera conocido.",
    },
}


def money_sentences(
    decision: MoneyDecision, currency: str, language: Language, past_tests: int
) -> tuple[str, ...]:
    """Return what is recommended, what it is worth and what it risks; amounts in `currency`, rounded, else in per cent."""
    first = "nothing_more" if decision.choice is Choice.SPEND_NOTHING else decision.choice.value
    return _worded(decision, first, currency, language, past_tests)


def money_sentences_beside_proof(
    decision: MoneyDecision, currency: str, language: Language, past_tests: int, named: str | None
) -> tuple[str, ...]:
    """Return the same to stand after a verdict's own sentences; ``named`` is the variant that the verdict proves best."""
    if decision.choice is Choice.PUBLISH and decision.variant == named:
        return _worded(decision, "proven", currency, language, past_tests)
    is_level = decision.choice is Choice.KEEP_SPLIT and not decision.has_leader
    first = "none" if is_level else _BESIDE[decision.choice]
    return _worded(decision, first, currency, language, past_tests)


def ended_sentence(language: Language) -> str:
    """Return what stands in a verdict's headline's place where money has ended the test: no analysis is due any more."""
    return _PHRASES[language]["ended"]


_BESIDE = {
    Choice.PUBLISH: "bet",
    Choice.KEEP_SPLIT: "keep_all",
    Choice.TEST_ON: "test",
    Choice.SPEND_NOTHING: "nothing_more",
}


def _worded(
    decision: MoneyDecision, first: str, currency: str, language: Language, past_tests: int
) -> tuple[str, ...]:
    phrases, values = _PHRASES[language], _values(decision, currency, language)
    in_money = decision.revenue is not None
    if first == "proven":
        said = [phrases["proven" if in_money else "proven_share"]]
    else:
        said = [phrases[first]]
        if decision.choice is Choice.PUBLISH:
            said += [phrases["gain" if in_money else "gain_share"], phrases["wrong"]]
    if decision.choice is Choice.PUBLISH and values["scaled"] != values["nothing"]:
        said.append(phrases["scaled"])
    waiting = decision.worth_of_waiting
    if waiting is not None:
        told = "waits" if waiting > 0 else "costs"
        said.append(phrases["even" if values["waiting"] == values["nothing"] else told])
    if past_tests < KNOWN_FROM:
        said.append(phrases["little_known" if past_tests else "assumed"])
    return tuple(sentence.format(**values, tests=past_tests, least=KNOWN_FROM) for sentence in said)


def _values(decision: MoneyDecision, currency: str, language: Language) -> Mapping[str, str]:
    wrong = decision.expected_loss / max(1 - decision.p_best, decision.expected_loss, 1e-9)
    low, high = decision.gain_interval
    return {
        "variant": decision.variant,
        "currency": currency,
        "returns": _number(decision.returns or 0.0, 2, language),
        "p_best": _percent(decision.p_best, language),
        "worse": _percent(decision.p_10_worse, language),
        "scaled": _amount(1 - (decision.scaled_efficiency or 1.0), decision.revenue, currency, language),
        "nothing": _amount(0.0, decision.budget_revenue, currency, language),
        "low": _amount(low, decision.revenue, currency, language),
        "high": _amount(high, decision.revenue, currency, language),
        "gain": _amount(decision.expected_gain, decision.revenue, currency, language),
        "wrong": _amount(wrong, decision.revenue, currency, language),
        "waiting": _amount(
            abs(decision.worth_of_waiting or 0.0), decision.budget_revenue, currency, language
        ),
    }


def _amount(share: float, of: float | None, currency: str, language: Language) -> str:
    return _percent(share, language, 1) if of is None else f"{_number(share * of, 0, language)} {currency}"


def _percent(share: float, language: Language, digits: int = 0) -> str:
    return _words(language).percent.format(number=_number(100 * share, digits, language))


def _number(value: float, digits: int, language: Language) -> str:
    words = _words(language)
    return f"{value:,.{digits}f}".translate({ord(","): words.thousands, ord("."): words.decimal})


def _words(language: Language) -> VerdictPhrases:
    return SPANISH if language is Language.SPANISH else ENGLISH
