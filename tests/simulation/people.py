"""The people of scenarios: who they are to the chat service, and to S3 as uploaders."""

from dataclasses import dataclass

ROLE = "AROAEXAMPLE3K7QW2Z4LM"


@dataclass(frozen=True, kw_only=True)
class Person:
    """``principal`` is S3's id of the uploader; ``address`` the value of ``people``, if any."""

    user: str
    name: str
    principal: str
    address: str = ""


# Each is recognised in another way (setting ``people``, or equal addresses); Eve cannot be.
PEOPLE = {
    "ada": Person(
        user="U0ADA", name="Ada", principal=f"AWS:{ROLE}:ada@example.com", address="Ada@example.com"
    ),
    "bob": Person(user="U0BOB", name="Bob", principal=f"AWS:{ROLE}:bob", address="bob"),
    "cyd": Person(
        user="U0CYD",
        name="Cyd",
        principal="AWS:AIDAEXAMPLECYD3K7QW2Z",
        address="AIDAEXAMPLECYD3K7QW2Z",
    ),
    "dan": Person(user="U0DAN", name="dan@example.com", principal=f"AWS:{ROLE}:dan@example.com"),
    "eve": Person(user="U0EVE", name="Eve", principal=f"AWS:{ROLE}:build-417"),
}
# As the setting has it.
PEOPLE_SETTING = {person.user: person.address for person in PEOPLE.values() if person.address}
