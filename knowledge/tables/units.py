"""Units of measure and currencies, as headers and cells write them. Pure functions."""

import re

CURRENCIES = {
    "$": "$", "us$": "$", "usd": "$", "€": "€", "eur": "€", "euro": "€", "euros": "€",
    "£": "£", "gbp": "£", "¥": "¥", "jpy": "¥", "chf": "CHF", "sek": "SEK", "nok": "NOK",
    "dkk": "DKK", "pln": "PLN", "₹": "₹", "inr": "₹", "cad": "CAD", "aud": "AUD", "cny": "CNY",
}  # fmt: skip
# Spelling → the unit as it is shown.
UNITS = {
    spelling: unit
    for unit, spellings in {
        "%": "% percent pct", "kg": "kg kgs kilogram kilograms", "g": "g gram grams",
        "mg": "mg", "t": "t tonne tonnes tons", "lb": "lb lbs pounds", "oz": "oz",
        "km": "km kilometres kilometers", "m": "m metre metres meter meters", "cm": "cm",
        "mm": "mm", "µm": "µm", "mi": "mi mile miles", "ft": "ft feet", "in": "inch inches",
        "yd": "yd yards", "ha": "ha hectares", "acres": "acre acres", "m²": "m² m2 sqm",
        "km²": "km² km2", "sq mi": "sqmi", "m³": "m³ m3", "l": "l litre litres liter liters",
        "ml": "ml", "l/min": "l/min", "l/h": "l/h", "m³/h": "m³/h m3/h", "°C": "°c", "°F": "°f",
        "K": "kelvin", "W": "w watt watts", "kW": "kw", "MW": "mw", "GW": "gw", "kWh": "kwh",
        "MWh": "mwh", "hp": "hp", "V": "v volt volts", "A": "amp amps ampere", "mA": "ma",
        "Hz": "hz", "kHz": "khz", "MHz": "mhz", "GHz": "ghz", "dB": "db", "bar": "bar",
        "Pa": "pa", "kPa": "kpa", "MPa": "mpa", "psi": "psi", "N": "newton", "Nm": "nm",
        "kN": "kn", "s": "s sec secs second seconds", "ms": "ms", "min": "min mins minutes",
        "h": "h hr hrs hour hours", "days": "day days", "weeks": "week weeks",
        "months": "month months", "years": "year years yrs", "km/h": "km/h kmh kph", "mph": "mph",
        "m/s": "m/s", "rpm": "rpm 1/min", "GB": "gb", "MB": "mb", "TB": "tb", "pcs": "pcs",
    }.items()
    for spelling in spellings.split()
}  # fmt: skip
MAGNITUDES = {"thousand": 10**3, "million": 10**6, "mn": 10**6, "billion": 10**9, "bn": 10**9}
_BRACKETED = re.compile(r"[(\[]\s*([^()\[\]]{1,12}?)\s*[)\]]\s*$")
_AFTER_IN = re.compile(r"\b(?:in|,)\s+(\S{1,12})$", re.IGNORECASE)
_LAST = re.compile(r"\s([%€$£¥₹])$")


def unit_of(text: str) -> str:
    """The unit that a word stands for, or nothing."""
    word = text.strip().rstrip(".").lower().replace("^", "")
    return CURRENCIES.get(word) or UNITS.get(word, "")


def unit_in_header(header: str) -> str:
    """“kg” of “Weight (kg)”, “Weight [kg]”, “Weight in kg” or “Price €”."""
    for pattern in (_BRACKETED, _AFTER_IN, _LAST):
        if (found := pattern.search(header)) and (unit := unit_of(found[1])):
            return unit
    return ""


def without_unit(header: str) -> str:
    """The header's own words: “Weight” of “Weight (kg)”."""
    for pattern in (_BRACKETED, _AFTER_IN, _LAST):
        found = pattern.search(header)
        if found and unit_of(found[1]) and header[: found.start()].strip():
            return header[: found.start()].strip()
    return header
