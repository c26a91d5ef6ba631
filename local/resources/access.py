"""Creates roles, policies, the key, the secret, and the parameter with the outputs."""

from local.resources.inputs import Account, Create, Inputs, Made


def key(account: Account, name: str, inputs: Inputs) -> Made:
    kms = account.client("kms")
    made = kms.create_key(
        Description=inputs.take("description"),
        Policy=inputs.take("policy"),
        Tags=inputs.tags("TagKey", "TagValue"),
    )["KeyMetadata"]
    if inputs.take("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=made["KeyId"])
    inputs.take("deletionWindowInDays")
    return made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]}


def role(account: Account, name: str, inputs: Inputs) -> Made:
    made = account.client("iam").create_role(
        RoleName=account.named(name),
        AssumeRolePolicyDocument=inputs.take("assumeRolePolicy"),
        Tags=inputs.tags(),
    )["Role"]
    return made["RoleName"], {"arn": made["Arn"], "name": made["RoleName"]}


def role_policy(account: Account, name: str, inputs: Inputs) -> Made:
    role = inputs.take("role")
    account.client("iam").put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=inputs.take("policy")
    )
    return f"{role}:{name}", {"name": name}


def policy(account: Account, name: str, inputs: Inputs) -> Made:
    made = account.client("iam").create_policy(
        PolicyName=account.named(name),
        Description=inputs.take("description"),
        PolicyDocument=inputs.take("policy"),
        Tags=inputs.tags(),
    )["Policy"]
    return made["Arn"], {"arn": made["Arn"]}


def secret(account: Account, name: str, inputs: Inputs) -> Made:
    made = account.client("secretsmanager").create_secret(
        Name=account.named(name),
        Description=inputs.take("description"),
        KmsKeyId=inputs.take("kmsKeyId"),
        Tags=inputs.tags(),
    )
    inputs.take("recoveryWindowInDays")
    return made["ARN"], {"arn": made["ARN"], "name": made["Name"]}


def secret_version(account: Account, name: str, inputs: Inputs) -> Made:
    secret = inputs.take("secretId")
    made = account.client("secretsmanager").put_secret_value(
        SecretId=secret, SecretString=inputs.take("secretString")
    )
    return f"{secret}|{made['VersionId']}", {}


def parameter(account: Account, _name: str, inputs: Inputs) -> Made:
    name = inputs.take("name")
    account.client("ssm").put_parameter(
        Name=name,
        Description=inputs.take("description"),
        Type=inputs.take("type"),
        Value=inputs.take("insecureValue"),
        Tags=inputs.tags(),
    )
    return name, {"name": name}


CREATE: dict[str, Create] = {
    "aws:kms/key:Key": key,
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:iam/policy:Policy": policy,
    "aws:secretsmanager/secret:Secret": secret,
    "aws:secretsmanager/secretVersion:SecretVersion": secret_version,
    "aws:ssm/parameter:Parameter": parameter,
}
