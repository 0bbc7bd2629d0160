"""Country codes: ISO 3166-1 alpha-2 where Meta delivers ads, and the members of the European Union."""

_EUROPEAN_UNION = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"
EU_COUNTRIES = frozenset(_EUROPEAN_UNION.split())
"""Members of the European Union, where the Digital Services Act wants beneficiary and payor named."""

_OTHERS = (
    "AD AE AF AG AI AL AM AO AQ AR AS AU AW AX AZ BA BB BD BF BH BI BJ BL BM BN BO BQ BR BS BT BW BY BZ CA CC CD CF "
    "CG CH CI CK CL CM CN CO CR CV CW CX DJ DM DO DZ EC EG EH ER ET FJ FK FM FO GA GB GD GE GF GG GH GI GL GM GN GP "
    "GQ GS GT GU GW GY HK HN HT ID IL IM IN IO IQ IS JE JM JO JP KE KG KH KI KM KN KR KW KY KZ LA LB LC LI LK LR LS "
    "LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MU MV MW MX MY MZ NA NC NE NF NG NI NO NP NR NU NZ OM PA PE "
    "PF PG PH PK PM PN PR PS PW PY QA RE RS RW SA SB SC SG SH SJ SL SM SN SO SR SS ST SV SX SZ TC TD TF TG TH TJ TK "
    "TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
COUNTRIES = EU_COUNTRIES | frozenset(_OTHERS.split())
"""Codes a request may name."""

WITHOUT_ADS = {"CU": "Cuba", "IR": "Iran", "KP": "North Korea", "RU": "Russia", "SY": "Syria"}
"""Countries in which Meta shows no ads, by name."""
