"""The recording helper: no error in a program passes silently."""

import pulumi
import pulumi_aws as aws
import pytest

from tests.support.recording import build


def test_an_exception_in_an_apply_fails_the_build():
    def late():
        topic = aws.sns.Topic("topic")
        topic.arn.apply(lambda arn: pytest.fail(f"ran with {arn}"))

    with pytest.raises(pytest.fail.Exception, match="ran with arn:aws:sns:::topic"):
        build(late)


def test_an_output_in_a_string_is_refused():
    def careless():
        topic = aws.sns.Topic("topic")
        return f"{topic.arn}"

    with pytest.raises(Exception, match="Calling __str__ on an Output"):
        build(careless)


def test_builds_are_independent_of_each_other():
    def tagged():
        aws.sns.Topic("first")
        pulumi.runtime.register_stack_transformation(
            lambda args: pulumi.ResourceTransformationResult({**args.props, "tags": {}}, args.opts)
        )

    build(tagged)
    second = build(lambda: aws.sns.Topic("second"))

    assert [resource.name for resource in second.resources] == ["second"]
    assert "tags" not in second.one("sns/topic:Topic").inputs


def test_secrets_protection_and_dependencies_are_recorded():
    def thing():
        topic = aws.sns.Topic("topic", opts=pulumi.ResourceOptions(protect=True))
        aws.secretsmanager.SecretVersion(
            "version",
            secret_id=topic.arn,
            secret_string=pulumi.Output.secret("x"),
            opts=pulumi.ResourceOptions(depends_on=[topic]),
        )

    built = build(thing)
    topic = built.one("sns/topic:Topic")
    version = built.one("secretsmanager/secretVersion:SecretVersion")

    assert (topic.protect, version.protect) == (True, False)
    assert version.secret == {"secretString"}
    assert version.depends_on == {topic.urn}
