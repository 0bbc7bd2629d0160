"""The texts of verdicts, by language. Kept apart from the logic so that both languages say the same."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class VerdictPhrases:
    """One language.

    Attributes:
        better: per criterion, what the better variant does ("earns more per euro than").
        verdicts: per verdict kind.
        reasons: per reason code.
        caveats: per caveat code.
        findings: per diagnostic code, what was unusual in the data.
        parts: everything else, by name.
        decimal: decimal mark; thousands: its separator.
        percent: pattern of a percentage.
        units: spoken unit per currency code, for "per euro"; other codes are used as they are.
        method: per method, how the verdict was reached, for somebody who has to trust it.
    """

    better: Mapping[str, str]
    verdicts: Mapping[str, str]
    reasons: Mapping[str, str]
    caveats: Mapping[str, str]
    findings: Mapping[str, str]
    parts: Mapping[str, str]
    decimal: str
    thousands: str
    percent: str
    units: Mapping[str, str]
    method: Mapping[str, str]


ENGLISH = VerdictPhrases(
    better={
        "roas": "earns more per {unit} than",
        "revenue": "brings more revenue per {unit} than",
        "cpa": "brings purchases at a lower cost than",
        "conversions": "brings more purchases per {unit} than",
        "cvr": "turns more clicks into purchases than",
        "ctr": "gets more clicks per view than",
        "cpc": "gets cheaper clicks than",
        "engagement": "gets more reactions per view than",
    },
    verdicts={
        "winner": "{leader} {better} {rival}: about {lift}{range}. However often we looked, the chance of"
        " naming a winner when there is none is kept at {alpha}.",
        "safe_pick": "{leader} is the best choice or at most slightly behind it. Against {rival}:"
        " about {lift}{range}.",
        "equivalent": "There is no difference that matters: any gap is smaller than {largest}.",
        "no_difference_larger_than": "No winner. A difference larger than {largest} either way can be"
        " ruled out.",
        "best_bet": "Not proven. {leader} is probably best ({p_best}). If that is wrong, the expected loss is"
        " about {loss}.",
        "not_enough_data": "Not enough data: {count} {events} cannot separate these variants.",
        "stop_loser": "Clearly worse and to be stopped: {stopped}. The others go on.",
        "not_yet": "No verdict yet. {progress} of the planned evidence is in; the next analysis is due at"
        " {next}.",
        "unhealthy": "The data cannot be trusted at the moment, so nothing is decided.",
    },
    reasons={
        "guard_hours": "The test has not run long enough for any verdict.",
        "few_purchases": "There are too few events to compare.",
        "low_spend": "A variant has not spent the minimum yet.",
        "not_delivering": "A variant is hardly being delivered.",
        "no_data": "No figures have arrived yet.",
        "futile": "Going on would hardly prove even the difference the test was planned for.",
        "reversed_after_settling": "An earlier lead turned around once late purchases were in, so no"
        " winner is named.",
        "counter_fell": "A total that can only grow has fallen.",
        "polls_missing": "Too many readings are missing.",
        "edited": "A variant was changed during the test.",
        "spend_missing": "Spend is missing: a variant was shown and no spend is reported for it.",
        "no_values": "No value was reported for any purchase, so the return cannot be measured: check value and"
        " currency of the pixel's purchase event.",
        "values_missing": "A variant's purchases were reported without their value, so the return cannot be"
        " compared: check value and currency of the pixel's purchase event.",
        "values_unlike": "The value of a purchase differs between the variants by more than chance explains, so the"
        " return cannot be compared: check value and currency of the pixel's purchase event.",
    },
    caveats={
        "as_delivered": "The platform shows each ad to the people it expects to respond: this compares ads as"
        " they were delivered.",
        "not_randomised": "People were not divided at random between the variants.",
        "under_three_days": "This rests on less than three days, so weekday effects are not covered.",
        "immature": "At that moment some purchases had not been reported yet ({mature} of the exposure had matured).",
        "day_noise_assumed": "How much a variant varies from day to day could not be measured here; a"
        " cautious assumption was used.",
        "same_people": "All variants are offered to the same people, so somebody may have seen several of them.",
        "money_moved": "Money was moved between the variants while the test ran: compare what they achieved per"
        " {unit}, not their totals.",
        "not_proof": "This is a choice by expected loss, not a proof.",
    },
    findings={
        "spend_share_off_plan": "{variant}'s share of the spend is {points} points off plan.",
        "impression_price_differs": "{variant} pays {change} per view against the average, so it may be shown"
        " to other people.",
        "delivery_gap": "{variant} stood still for {number} hours on end while others were delivered.",
        "effect_changed_between_weeks": "The comparison of {variant} came out differently in the first week"
        " than later (z {signed}): the figure is an average of two situations.",
        "effect_changed_between_halves": "The comparison of {variant} came out differently in the first half"
        " than in the second (z {signed}): the figure is an average of two situations.",
        "basket_values_differ": "Basket sizes differ ({variant}: {change} against all), so the test switches to"
        " the stricter one that does not pool them.",
        "audiences_overlap": "{share} of the people can see more than one variant, so the variants may"
        " influence each other.",
        "figures_restated": "{share} of what had been reported for {variant} has been taken back since.",
        "counter_fell": "A total fell by {share}.",
        "readings_set_aside": "Readings set aside because a total had fallen: {number}.",
        "polls_missing": "{share} of the expected readings are missing.",
        "edited": "The change was first noticed in hour {number}.",
        "spend_missing": "{variant} had {number} views and no spend.",
        "no_values": "{number} purchases without a value.",
        "values_missing": "{variant} had {number} purchases without a value.",
        "values_unlike": "An average purchase of {variant} is worth {times} times one of the others.",
    },
    parts={
        "range": " ({seen}range {low} to {high})",
        "open_range": " ({seen}at least {low})",
        "one_sided": " (at least {low}; {rival} had no {events}, so there is no upper limit)",
        "seen": "{raw} seen in the test, ",
        "lean": "{leader} is ahead so far, with a {p_best} chance of being best.",
        "no_lean": "None of the variants is ahead.",
        "by_cost": "Cost per purchase can still be compared: {costs}.",
        "cost": "Going on as before, proving {lift} would take about {events_needed} {events} per variant in all,"
        " about {money} each, over {days} days.",
        "reached": "A difference of {lift} would most likely have been proven with what was spent.",
        "no_cost": "Proving {lift} is out of reach: with the noise seen here it would take more than half a year.",
        "end": "the end, after late purchases",
        "hour": "hour {hour}",
        "purchases": "purchases",
        "clicks": "clicks",
        "engagements": "reactions",
        "list": " and ",
    },
    decimal=".",
    thousands=",",
    percent="{number}%",
    units={"EUR": "euro", "USD": "dollar", "GBP": "pound", "PEN": "sol", "MXN": "peso"},
    method={
        "B": "How this was decided: hour by hour we compare what the variants achieved with what each had to"
        " work with (money, views or clicks), so that a good day or a promotion that both share cancels out,"
        " and purchases that are reported late are awaited. Each ad also has good and bad days of its own;"
        " that luck is measured and counted as doubt. Looking often invites chance to look like success, so"
        " every look must clear a bar that starts very high and falls as evidence comes in: over the whole"
        " test, and however often it is looked at, two equal ads give a false winner in at most about"
        " {alpha} of tests. What cannot be proven is called unproven.",
        "E": "The variants sell the same thing, so part of the luck in basket sizes is shared between them,"
        " unless the baskets plainly differ.",
        "R": "Money was moved between the variants by the figures while the test ran. So each pair is judged by the"
        " evidence about that pair, and the end of the test makes no bar lower.",
    },
)

SPANISH = VerdictPhrases(
    better={
        "roas": "gana más por {unit} que",
        "revenue": "ingresa más por {unit} que",
        "cpa": "consigue compras a menor coste que",
        "conversions": "consigue más compras por {unit} que",
        "cvr": "convierte más clics en compras que",
        "ctr": "recibe más clics por impresión que",
        "cpc": "consigue clics más baratos que",
        "engagement": "recibe más interacciones por impresión que",
    },
    verdicts={
        "winner": "{leader} {better} {rival}: alrededor de {lift}{range}. Por mucho que hayamos mirado, la"
        " probabilidad de nombrar un ganador cuando no lo hay se mantiene en {alpha}.",
        "safe_pick": "{leader} es la mejor opción o queda muy cerca de ella. Frente a {rival}:"
        " alrededor de {lift}{range}.",
        "equivalent": "No hay ninguna diferencia que importe: cualquier distancia es menor que {largest}.",
        "no_difference_larger_than": "Sin ganador. Se puede descartar una diferencia mayor que {largest} en"
        " cualquier sentido.",
        "best_bet": "No está demostrado. {leader} es probablemente la mejor ({p_best}). Si no lo fuera, la"
        " pérdida esperada es de alrededor de {loss}.",
        "not_enough_data": "Datos insuficientes: {count} {events} no bastan para distinguir estas variantes.",
        "stop_loser": "Claramente peor, se detiene: {stopped}. Las demás siguen.",
        "not_yet": "Todavía no hay veredicto. Ya tenemos {progress} de la evidencia prevista; el próximo"
        " análisis toca en {next}.",
        "unhealthy": "Ahora mismo no se puede confiar en los datos, así que no se decide nada.",
    },
    reasons={
        "guard_hours": "La prueba aún no ha durado lo suficiente para dar un veredicto.",
        "few_purchases": "Hay muy pocos eventos para comparar.",
        "low_spend": "Una variante todavía no ha gastado el mínimo.",
        "not_delivering": "Una variante apenas se está mostrando.",
        "no_data": "Aún no han llegado cifras.",
        "futile": "Seguir difícilmente demostraría ni siquiera la diferencia prevista.",
        "reversed_after_settling": "Una ventaja anterior se dio la vuelta al llegar las compras tardías, así"
        " que no se nombra ganador.",
        "counter_fell": "Un total que solo puede crecer ha bajado.",
        "polls_missing": "Faltan demasiadas lecturas.",
        "edited": "Se modificó una variante durante la prueba.",
        "spend_missing": "Falta el gasto: una variante se mostró y no consta gasto suyo.",
        "no_values": "No se comunicó el valor de ninguna compra, así que el retorno no se puede medir: revise valor y"
        " moneda del evento de compra del píxel.",
        "values_missing": "Las compras de una variante llegaron sin su valor, así que el retorno no se puede comparar:"
        " revise valor y moneda del evento de compra del píxel.",
        "values_unlike": "El valor de una compra difiere entre las variantes más de lo que explica el azar, así que el"
        " retorno no se puede comparar: revise valor y moneda del evento de compra del píxel.",
    },
    caveats={
        "as_delivered": "La plataforma enseña cada anuncio a quien cree que va a responder: se comparan los"
        " anuncios tal como se entregaron.",
        "not_randomised": "Las personas no se repartieron al azar entre las variantes.",
        "under_three_days": "Se apoya en menos de tres días, así que no cubre el efecto del día de la"
        " semana.",
        "immature": "En ese momento parte de las compras aún no se había comunicado (había madurado {mature} de la"
        " exposición).",
        "day_noise_assumed": "No se pudo medir cuánto varía una variante de un día a otro; se usó un supuesto"
        " prudente.",
        "same_people": "Todas las variantes se ofrecen a las mismas personas, así que alguien puede haber visto"
        " varias.",
        "money_moved": "Durante la prueba se movió dinero entre las variantes: compárese lo logrado por {unit}, no"
        " los totales.",
        "not_proof": "Es una elección por pérdida esperada, no una demostración.",
    },
    findings={
        "spend_share_off_plan": "La parte del gasto de {variant} se aparta {points} puntos de lo previsto.",
        "impression_price_differs": "{variant} paga {change} por impresión respecto a la media, así que puede"
        " estar mostrándose a otras personas.",
        "delivery_gap": "{variant} estuvo parada {number} horas seguidas mientras otras se mostraban.",
        "effect_changed_between_weeks": "La comparación de {variant} salió distinta en la primera semana que"
        " después (z {signed}): la cifra es la media de dos situaciones.",
        "effect_changed_between_halves": "La comparación de {variant} salió distinta en la primera mitad que"
        " en la segunda (z {signed}): la cifra es la media de dos situaciones.",
        "basket_values_differ": "El importe medio de los pedidos difiere ({variant}: {change} respecto al"
        " conjunto), así que se pasa a la prueba más estricta, que no los combina.",
        "audiences_overlap": "{share} de las personas puede ver más de una variante, así que las variantes"
        " pueden influirse.",
        "figures_restated": "Desde entonces se ha retirado {share} de lo comunicado para {variant}.",
        "counter_fell": "Un total ha bajado {share}.",
        "readings_set_aside": "Lecturas apartadas porque un total había bajado: {number}.",
        "polls_missing": "Falta {share} de las lecturas esperadas.",
        "edited": "El cambio se notó por primera vez en la hora {number}.",
        "spend_missing": "{variant} tuvo {number} impresiones y ningún gasto.",
        "no_values": "{number} compras sin valor.",
        "values_missing": "{variant} tuvo {number} compras sin valor.",
        "values_unlike": "Una compra media de {variant} vale {times} veces una de las demás.",
    },
    parts={
        "range": " ({seen}entre {low} y {high})",
        "open_range": " ({seen}como mínimo {low})",
        "one_sided": " (como mínimo {low}; {rival} no tuvo {events}, así que no hay límite superior)",
        "seen": "{raw} visto en la prueba; ",
        "lean": "De momento va por delante {leader}, con {p_best} de probabilidad de ser la mejor.",
        "no_lean": "Ninguna de las variantes va por delante.",
        "by_cost": "El coste por compra sí se puede comparar: {costs}.",
        "cost": "Siguiendo igual, demostrar {lift} requeriría en total unas {events_needed} {events} por variante, unos"
        " {money} cada una, durante {days} días.",
        "reached": "Una diferencia de {lift} se habría demostrado casi seguro con lo gastado.",
        "no_cost": "Demostrar {lift} queda fuera de alcance: con el ruido visto aquí llevaría más de medio año.",
        "end": "el final, tras las compras tardías",
        "hour": "la hora {hour}",
        "purchases": "compras",
        "clicks": "clics",
        "engagements": "interacciones",
        "list": " y ",
    },
    decimal=",",
    thousands=".",
    percent="{number} %",
    units={"EUR": "euro", "USD": "dólar", "GBP": "libra", "PEN": "sol", "MXN": "peso"},
    method={
        "B": "Cómo se decidió: hora a hora comparamos lo que logró cada variante con los medios que tuvo"
        " (dinero, impresiones o clics), de modo que un buen día o una promoción que ambas comparten se"
        " cancela, y se esperan las compras que se comunican tarde. Cada anuncio tiene además días buenos y"
        " malos propios; esa suerte se mide y se cuenta como duda. Mirar a menudo da al azar más ocasiones"
        " de parecer un éxito, así que cada análisis debe superar un listón que empieza muy alto y baja a"
        " medida que llega la evidencia: en toda la prueba, por mucho que se mire, dos anuncios iguales dan"
        " un falso ganador en alrededor de {alpha} de las pruebas como máximo. Lo que no se puede demostrar"
        " se llama no demostrado.",
        "E": "Las variantes venden lo mismo, así que parte de la suerte en el importe de los pedidos se comparte"
        " entre ellas, salvo que los importes difieran claramente.",
        "R": "Durante la prueba se movió dinero entre las variantes según los datos. Por eso cada pareja se juzga por"
        " la evidencia sobre esa pareja, y el final de la prueba no baja ningún listón.",
    },
)
