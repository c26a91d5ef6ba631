"""The Slack workspace, the channel, and its buttons."""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.partition import console
from ops.preflight.environment import CHAT_REGION, Environment, every
from ops.preflight.finding import Finding, failed, fine, warning

CONSOLE = f"{console(CHAT_REGION)}/chatbot/home#/chat-clients"
# Limits of the types' CloudFormation schemas; a longer command is cut off silently.
MOST = {"ActionName": 64, "ButtonText": 50, "Variables": 5, "Criteria": 5, "CommandText": 100}
ACTION = "AWS::Chatbot::CustomAction"
NO_REASON = "no reason given"
# All that Cloud Control made, in one command, since a button that is made again has to be attached
# again: the channel is deleted first and made last.
CHAT_RESOURCES = "**aws:cloudcontrol/resource:Resource::gate-**"


def repair(stack: str) -> str:
    """The command that makes channel and buttons again, as the program declares them."""
    return f"pulumi up --stack {stack} --target-replace '{CHAT_RESOURCES}'"


def workspace(environment: Environment) -> Iterator[Finding]:
    """Whether the chat service is authorised in the workspace."""
    team_id = environment.settings.slack_workspace_id
    chat = environment.client("chatbot", CHAT_REGION)
    known = {
        team["SlackTeamId"]: team
        for team in every(chat, "describe_slack_workspaces", "SlackWorkspaces")
    }
    if team_id not in known:
        others = ", ".join(f"{key} ({team['SlackTeamName']})" for key, team in known.items())
        yield failed(
            f"workspace {team_id} is not authorised"
            + (f"; authorised are {others}" if others else ""),
            "without that `pulumi up` can't make the channel configuration",
            f"{CONSOLE}: Configure a chat client, Slack, allow; or "
            f"pulumi config set slackWorkspaceId T0123456789 --stack {environment.stack}",
        )
    elif known[team_id].get("State", "ENABLED") != "ENABLED":
        yield failed(
            f"workspace {team_id} is disabled: {known[team_id].get('StateReason', NO_REASON)}",
            "an organisation's chat policy forbids it; no card arrives",
            "ask who manages the organisation's chat applications policies",
        )
    else:
        yield fine(f"workspace {known[team_id]['SlackTeamName']} ({team_id}) is authorised")


def channel(environment: Environment) -> Iterator[Finding]:
    """Whether the channel is free (before `pulumi up`), or configured for this stack (after it)."""
    channel_id = environment.settings.slack_channel_id
    others = [
        configuration
        for configuration in _configurations(environment)
        if configuration["ConfigurationName"] != environment.prefix
    ]
    rivals = [
        other["ConfigurationName"] for other in others if other["SlackChannelId"] == channel_id
    ]
    if rivals:
        yield failed(
            f"channel {channel_id} belongs to configuration {', '.join(rivals)}",
            "a channel can be in one configuration only",
            f"pulumi config set slackChannelId C0123456789 --stack {environment.stack}",
        )
    own = own_configuration(environment)
    if own and not environment.deployed:
        yield failed(
            f"a configuration {environment.prefix} exists, and this stack has not made it",
            "names of configurations are unique in the account; `pulumi up` would stop there",
            "aws chatbot delete-slack-channel-configuration --region "
            f"{CHAT_REGION} --chat-configuration-arn {own['ChatConfigurationArn']}",
        )
    elif environment.deployed and not own:
        yield failed(
            f"configuration {environment.prefix} is gone",
            "no card reaches the channel",
            repair(environment.stack),
        )
    elif own and own.get("State", "ENABLED") != "ENABLED":
        yield failed(
            f"configuration {environment.prefix} is disabled: {own.get('StateReason', NO_REASON)}",
            "no card reaches the channel",
            "ask who manages the organisation's chat applications policies",
        )
    elif not rivals:
        yield fine(f"channel {channel_id} is " + ("configured" if own else "free"))


def buttons(environment: Environment) -> Iterator[Finding]:
    """Whether the buttons' names are free (before `pulumi up`), or in the channel (after it)."""
    chat = environment.client("chatbot", CHAT_REGION)
    names = {action["ActionName"] for action in environment.desired(ACTION)}
    actions = every(chat, "list_custom_actions", "CustomActions")
    arns = {arn.rsplit("/", 1)[-1]: arn for arn in actions}
    if environment.deployed:
        yield from _attached(environment, {name: arns.get(name) for name in names})
        return
    for name in sorted(names & arns.keys()):
        yield failed(
            f"a custom action {name} exists, and this stack has not made it",
            "names of actions are unique in the account; `pulumi up` would stop there",
            f"aws chatbot delete-custom-action --region {CHAT_REGION} "
            f"--custom-action-arn {arns[name]}",
        )
    if not names & arns.keys():
        yield fine(f"the names of {len(names)} buttons are free")


def _attached(environment: Environment, buttons: Mapping[str, str | None]) -> Iterator[Finding]:
    """Whether the channel lists the buttons and no others; ``buttons`` are ARNs by name."""
    own = own_configuration(environment)
    if own is None:
        return  # which the check of the channel finds
    channel, chat = own["ChatConfigurationArn"], environment.client("chatbot", CHAT_REGION)
    associations = every(chat, "list_associations", "Associations", ChatConfiguration=channel)
    listed = {association["Resource"] for association in associations}
    missing = sorted(name for name, arn in buttons.items() if arn not in listed)
    if missing:
        yield failed(
            f"the channel does not list {', '.join(missing)}",
            "its cards have no such button",
            repair(environment.stack),
        )
    else:
        yield fine(f"the channel lists all {len(buttons)} buttons")
    for arn in sorted(listed - set(buttons.values())):
        yield warning(
            f"the channel also lists {arn}, which this program has not made",
            "people may take it for a decision; the guardrail lets it call the buttons' functions",
            f"aws chatbot disassociate-from-configuration --region {CHAT_REGION} "
            f"--resource {arn} --chat-configuration {channel}",
        )


def limits(environment: Environment) -> Iterator[Finding]:
    """Whether the buttons are within the chat service's limits."""
    actions = environment.desired(ACTION)
    too_much = []
    for action in actions:
        buttons = action["Attachments"]
        sizes = {
            "ActionName": len(action["ActionName"]),
            "ButtonText": max(len(button["ButtonText"]) for button in buttons),
            "Variables": max(len(button["Variables"]) for button in buttons),
            "Criteria": max(len(button["Criteria"]) for button in buttons),
            "CommandText": len(action["Definition"]["CommandText"]),
        }
        too_much += [
            f"{action['ActionName']}: {key} is {size}, at most {MOST[key]}"
            for key, size in sizes.items()
            if size > MOST[key]
        ]
    for excess in too_much:
        yield failed(
            excess, "the service refuses or cuts it", "shorten it in components/buttons.py"
        )
    if not too_much:
        yield fine(f"{len(actions)} buttons are within the service's limits")


def _configurations(environment: Environment) -> list[dict[str, Any]]:
    chat = environment.client("chatbot", CHAT_REGION)
    key = "SlackChannelConfigurations"
    return list(every(chat, "describe_slack_channel_configurations", key))


def own_configuration(environment: Environment) -> dict[str, Any] | None:
    """The channel configuration with this stack's name, as the service describes it."""
    matching = [
        configuration
        for configuration in _configurations(environment)
        if configuration["ConfigurationName"] == environment.prefix
    ]
    return matching[0] if matching else None
