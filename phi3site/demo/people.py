"""The demo's accounts and teams. Knows no database."""

from dataclasses import dataclass

from phi3site.roles import ADMIN, AUDITOR, CURATOR, EMPLOYEE

# For everybody here to know: `up --no-demo` leaves these accounts out.
PASSWORD = "phi3-demo"
SERVICE, OFFICE = "Service team", "Office team"


@dataclass(frozen=True)
class Person:
    """A demo account."""

    username: str
    first_name: str
    last_name: str
    role: str
    teams: tuple[str, ...]
    can: str


PEOPLE = (
    Person("erin", "Erin", "Falk", EMPLOYEE, (SERVICE,), "asks about service and safety"),
    Person("omar", "Omar", "Nyland", EMPLOYEE, (OFFICE,), "asks about people and policies"),
    Person("carla", "Carla", "Imhof", CURATOR, (SERVICE, OFFICE), "looks after the documents"),
    Person("adam", "Adam", "Reuter", ADMIN, (SERVICE, OFFICE), "fine-tunes and decides"),
    Person("audrey", "Audrey", "Penn", AUDITOR, (), "traces answers"),
)
