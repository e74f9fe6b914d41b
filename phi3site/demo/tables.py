"""The demo's tables: the spare parts list (CSV), the price list and the training catalogue (XLSX).

Numbers come from the CSV files under `sources/`; only stock figures are made up from the part
number, always the same.
"""

import csv
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from phi3site.demo import COMPANY, SOURCES

# The models of a family, with the suffix of their part numbers.
MODELS = {
    "Heron": {"Heron 40": "17", "Heron 80": "22", "Heron 120": "29"},
    "Bittern": {"Bittern 6": "06", "Bittern 12": "12"},
    "Osprey": {"Osprey 37": "37", "Osprey 75": "75"},
    "Otter": {"Otter 200": "20", "Otter 500": "50"},
}
# Parts with one number for several models: prefix -> number, models.
SHARED = {
    "DK": "DK-03", "VB": "VB-06", "CB": "CB-03", "VT": "VT-06", "DH": "DH-03", "PR": "PR-03",
    "SN": "SN-03", "BM": "BM-35", "BE": "BE-03", "BD": "BD-03", "PV": "PV-10", "LT": "LT-05",
    "BB": "BB-03", "GS": "GS-1", "PS": "PS-16", "TS": "TS-12", "HL": "HL-1", "TW": "TW-2",
    "LW": "LW-4", "EB": "EB-1", "YF": "YF-1", "WN": "WN-3", "CW": "CW-1",
}  # fmt: skip
# The couplings of the Heron are numbered by the bore of the coupling.
BORES = {"CS": ("24", "38", "48"), "CH": ("24", "38", "48")}
PARTS_HEAD = (
    "part_number", "description", "machine", "category", "price_eur", "stock", "minimum_stock",
    "lead_time_days", "shelf", "weight_kg",
)  # fmt: skip
MACHINES = (
    ("Model", "What it is", "Price EUR", "Delivery weeks", "First start included"),
    ("Heron 40", "centrifugal pump, 42 m³/h, 5.5 kW", 4380, 3, "no"),
    ("Heron 80", "centrifugal pump, 84 m³/h, 15 kW", 7960, 4, "no"),
    ("Heron 120", "centrifugal pump, 126 m³/h, 30 kW", 12740, 7, "no"),
    ("Bittern 6", "dosing pump, 6 l/h at 16 bar", 1290, 2, "no"),
    ("Bittern 12", "dosing pump, 12 l/h at 10 bar", 1540, 2, "no"),
    ("Osprey 37", "screw compressor, 6.2 m³/min, 37 kW", 21400, 6, "yes"),
    ("Osprey 75", "screw compressor, 12.8 m³/min, 75 kW", 36900, 9, "yes"),
    ("Otter 200", "mixer, 200 litres, 7.5 kW", 15850, 8, "yes"),
    ("Otter 500", "mixer, 500 litres, 18.5 kW", 24300, 11, "yes"),
)
SERVICES = (
    ("Service", "Unit", "Price EUR"),
    ("Engineer, working day", "hour", 98),
    ("Engineer, Saturday", "hour", 127),
    ("Engineer, Sunday or holiday", "hour", 164),
    ("Driving time", "hour", 49),
    ("First start of a pump", "visit", 390),
    ("Vibration report", "machine", 275),
    ("Laser alignment", "machine", 320),
    ("Oil analysis", "sample", 64),
    ("Air leak search, up to 200 points", "day", 890),
    ("Agreement Basic", "machine and year", 420),
    ("Agreement Steady", "machine and year", 780),
    ("Agreement Always", "machine and year", 1460),
    ("Loan machine Heron 80", "day", 55),
    ("Loan machine Osprey 37", "day", 95),
    ("Loan machine Otter 200", "day", 70),
    ("Delivery and collection of a loan machine", "case", 160),
    ("Operator training on site, up to six people", "day", 1150),
    ("Standard delivery of parts", "parcel", 14),
    ("Express delivery of parts", "parcel", 39),
)
Row = Sequence[Any]


def part_rows() -> list[Row]:
    """All spare parts, one row per number and model, sorted by number."""
    rows = [*_family_parts(), *_single_parts()]
    return sorted(rows, key=lambda row: (str(row[0]), str(row[2])))


def write_parts(path: Path) -> None:
    """The spare parts list as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PARTS_HEAD)
        writer.writerows(part_rows())


def write_price_list(path: Path) -> None:
    """Machines, spare parts and services, a sheet each."""
    book = _book("Price list 2026")
    _fill(book.active, "Machines", MACHINES)
    head = ("Part number", "Description", "Machine", "Price EUR")
    parts = [
        (number, text, machine, float(price)) for number, text, machine, _, price, *_ in part_rows()
    ]
    _fill(book.create_sheet(), "Spare parts", [head, *parts])
    _fill(book.create_sheet(), "Services", SERVICES)
    book.save(path)


def write_training_catalogue(path: Path) -> None:
    """All courses on one sheet, and the courses by area with their number on another."""
    rows = _read(SOURCES / "office" / "training-catalogue.csv")
    head = (
        "Code",
        "Title",
        "Area",
        "Days",
        "Place",
        "Trainer",
        "Price EUR",
        "Places",
        "Dates 2026",
    )
    courses = [
        (code, title, area, float(days), place, who, int(price), int(places), dates)
        for code, title, area, days, place, who, price, places, dates in (
            tuple(row.values()) for row in rows
        )
    ]
    areas = sorted({row["area"] for row in rows})
    counts = [(area, sum(row["area"] == area for row in rows)) for area in areas]
    book = _book("Training catalogue 2026")
    _fill(book.active, "Courses", [head, *courses])
    _fill(book.create_sheet(), "Areas", [("Area", "Courses"), *counts])
    book.save(path)


def _family_parts() -> Iterator[Row]:
    for part in _read(SOURCES / "parts.csv"):
        models = MODELS[part["family"]]
        prices = part["prices"].split("/")
        for at, (model, suffix) in enumerate(models.items()):
            number = _number(part["prefix"], suffix, at)
            yield _row(number, part, model, prices[at])


def _number(prefix: str, suffix: str, at: int) -> str:
    if prefix in SHARED:
        return SHARED[prefix]
    if prefix == "IMB":
        return f"IM-{suffix}B"
    if prefix == "HS":
        return f"SK-{suffix}H"
    return f"{prefix}-{BORES[prefix][at] if prefix in BORES else suffix}"


def _single_parts() -> Iterator[Row]:
    for part in _read(SOURCES / "single-parts.csv"):
        yield _row(part["part_number"], part, part["machine"], part["price"])


def _row(number: str, part: dict[str, str], machine: str, price: str) -> Row:
    """A line of the list; cheap parts are kept in larger numbers than dear ones."""
    chance = zlib.crc32(number.encode())
    most = 4 if float(price) > 500 else 40
    stock = chance % most
    least = max(1, most // 6)
    days = 2 + chance % 9 if stock else 12 + chance % 30
    return (
        number,
        part["description"],
        machine,
        part["category"],
        price,
        stock,
        least,
        days,
        part["shelf"],
        part["weight_kg"],
    )


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _book(title: str) -> Workbook:
    book = Workbook()
    book.properties.title, book.properties.creator = title, COMPANY
    return book


def _fill(sheet: Worksheet, title: str, rows: Sequence[Row]) -> None:
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for cell in sheet[1]:
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor="17486B")
        cell.alignment = Alignment(vertical="center")
    for at, column in enumerate(zip(*rows, strict=True), start=1):
        width = max(len(str(value)) for value in column)
        sheet.column_dimensions[get_column_letter(at)].width = min(width + 3, 60)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
