"""What the account holds that decides about requests: policies, keys, tags, identities."""

import json
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

Policy = Mapping[str, Any]


class World:
    """Reads an account of moto in place, since a request to it would be a request to evaluate."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self._region = account, region
        # Of the chat service: the guardrails of a channel limit what its role allows.
        self.guardrails: dict[str, list[str]] = {}

    def role_arn(self, name: str) -> str:
        """The ARN of a role, or nothing if there is none of this name."""
        role = self._role(name)
        return role.arn if role else ""

    def role_id(self, name: str) -> str:
        """The unique id of a role, ``AROA...``."""
        return self._role(name).id

    def trust_policy(self, role_arn: str) -> Policy:
        """Who may assume the role."""
        return json.loads(self._role(role_arn.rsplit("/", 1)[1]).assume_role_policy_document)

    def identity_policies(self, role: str) -> dict[str, Policy]:
        """The policies of a role by name; none for a service."""
        made = self._role(role)
        if not made:
            return {}
        return {
            **{name: _document(text) for name, text in made.policies.items()},
            **{arn: self._managed(arn) for arn in made.managed_policies},
        }

    def boundaries(self, role: str) -> dict[str, Policy]:
        """The policies that must allow a request, too."""
        return {arn: self._managed(arn) for arn in self.guardrails.get(role, ())}

    def resource_policy(self, arn: str) -> Policy | None:
        """The policy of what is called: bucket, key, topic, queue or function; None without one."""
        if arn == "*":
            return None
        _, _, service, region, _, name = arn.split(":", 5)
        region = region or self._region
        try:
            match service:
                case "s3":
                    text = s3_backends[self.account]["aws"].buckets[name.partition("/")[0]].policy
                case "kms":
                    text = kms_backends[self.account][region].keys[name.partition("/")[2]].policy
                case "sns":
                    text = sns_backends[self.account][region].topics[arn].policy
                case "sqs":
                    text = sqs_backends[self.account][region].queues[name].policy
                case "lambda":
                    functions = lambda_backends[self.account][region].list_functions()
                    made = {item.function_arn: item.policy.statements for item in functions}
                    text = {"Version": "2012-10-17", "Statement": made[arn]} if made[arn] else ""
                case _:
                    return None
        except KeyError:
            return None
        return _document(text) if text else None

    def key_of_bucket(self, name: str) -> str:
        """The ARN of the key that encrypts a bucket's objects; nothing for S3's own."""
        bucket = s3_backends[self.account]["aws"].buckets.get(name)
        rule = (bucket.encryption or {}).get("Rule", {}) if bucket else {}
        return rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")

    def key_of_topic(self, arn: str) -> str:
        """The ARN of the key that encrypts a topic."""
        topic = sns_backends[self.account][arn.split(":")[3]].topics.get(arn)
        return topic.kms_master_key_id if topic else ""

    def key_of_secret(self, arn: str) -> str:
        """The ARN of the key that encrypts a secret."""
        secret: Any = secretsmanager_backends[self.account][arn.split(":")[3]].secrets.get(arn)
        return (secret.kms_key_id if secret else "") or ""

    def tags_of(self, bucket: str, key: str, version: str) -> Mapping[str, str] | None:
        """The tags of an object's version, by default the current one; None if there is none."""
        backend: Any = s3_backends[self.account]["aws"]
        if bucket not in backend.buckets:
            return None
        item = backend.get_object(bucket, key, version_id=version or None)
        return dict(backend.tagger.get_tag_dict_for_resource(item.arn)) if item else None

    def identity_of(self, address: str) -> str:
        """The verified identity that SES sends an address's mail with: itself, or a domain of it.

        https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html: an address of its own
        comes before its domain, and a domain counts for its subdomains.
        """
        known = ses_backends[self.account][self._region].email_identities
        domain = address.partition("@")[2].split(".")
        names = [address, *(".".join(domain[n:]) for n in range(len(domain) - 1))]
        return next((name for name in names if name in known), address)

    def _managed(self, arn: str) -> Policy:
        made = iam_backends[self.account]["aws"].managed_policies[arn]
        current = next(item for item in made.versions if item.is_default)
        return _document(current.document)

    def _role(self, name: str) -> Any:
        roles = iam_backends[self.account]["aws"].roles.values()
        return next((role for role in roles if role.name == name), None)


def _document(text: Any) -> Policy:
    if isinstance(text, bytes):
        text = text.decode()
    return json.loads(text) if isinstance(text, str) else text
