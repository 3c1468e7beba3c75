"""Activities of the national role-based access control, and the business functions that they give.

Access follows the activity and the organisation; the job role is not used. Functions without a code here are given in
the directory only. Source: rules chapters 1.2 and 2.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from openers.domain.principal import RA, RC, RCA, SPA, SPC, SPCA, BusinessFunction

FUNCTIONS: Final[Mapping[str, BusinessFunction]] = MappingProxyType(
    {
        "B1101": RC,
        "B1102": RCA,
        "B1103": RA,
        "B1105": BusinessFunction.BMS_ADMIN,
        "B1106": BusinessFunction.COMMISSIONER,
        "B1107": BusinessFunction.SERVICE_DEFINER,
        "B1108": BusinessFunction.REFERRER_RIGHTS_MANAGER,
        "B1110": SPC,
        "B1115": SPCA,
        "B1120": SPA,
        "B1130": BusinessFunction.INFORMATION_ANALYST,
    }
)
"""Business function by activity code."""
CODES: Final[Mapping[BusinessFunction, str]] = MappingProxyType(
    {function: code for code, function in FUNCTIONS.items()}
)
"""Activity code by business function."""


def functions_of(codes: Iterable[str]) -> tuple[BusinessFunction, ...]:
    """Return the functions of the known codes, each once, in the order of the codes."""
    return tuple(dict.fromkeys(FUNCTIONS[code] for code in codes if code in FUNCTIONS))


def codes_of(functions: Iterable[BusinessFunction]) -> list[str]:
    """Return the activity codes of those functions that have one."""
    return [CODES[function] for function in functions if function in CODES]
