"""The roles and users that the settings let in: whether they exist."""

from collections.abc import Iterable, Iterator

from botocore.exceptions import ClientError

from components.access import principals_of
from domain.stored_objects import error_code
from ops.preflight.environment import Environment
from ops.preflight.finding import Finding, failed, fine, warning


def deployers(environment: Environment) -> Iterator[Finding]:
    """Whether the roles and users that may read cleared versions exist."""
    yield from _exist(environment, "deployers", environment.settings.deployers)
    if not environment.settings.deployers:
        yield fine("no deployers are set: those who deploy need permissions of their own")


def uploaders(environment: Environment) -> Iterator[Finding]:
    """Whether the roles and users that may upload exist."""
    by_app = environment.settings.uploaders
    yield from _exist(environment, "uploaders", principals_of(by_app))
    if not by_app:
        yield fine("no uploaders are set: those who upload need permissions of their own")


def _exist(environment: Environment, setting: str, arns: Iterable[str]) -> Iterator[Finding]:
    iam, one = environment.client("iam"), setting.removesuffix("s")
    for arn in sorted(arns):
        account, kind, name = arn.split(":")[4], arn.split(":")[5].split("/")[0], arn.split("/")[-1]
        if account != environment.identity.account:
            yield warning(
                f"{one} {arn} is in another account",
                "whether it exists can't be seen from here; if not, `pulumi up` stops at the "
                "bucket's policy. It needs these rights in its own account, too: docs/access.md",
                f"aws iam get-{kind} --{kind}-name {name}, in account {account}",
            )
            continue
        try:
            principal = (
                iam.get_role(RoleName=name)["Role"]
                if kind == "role"
                else iam.get_user(UserName=name)["User"]
            )
        except ClientError as error:
            if error_code(error) != "NoSuchEntity":
                raise
            principal = {"Arn": None}
        if principal["Arn"] != arn:
            yield failed(
                f"{one} {arn} does not exist",
                "S3 refuses a policy that names nobody: `pulumi up` would stop there",
                f"correct the setting {setting} in Pulumi.{environment.stack}.yaml, "
                f"or make the {kind}",
            )
        else:
            yield fine(f"{one} {arn} exists")
