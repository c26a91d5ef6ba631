"""The variables that build servers export, as their documentation describes them."""

HEAD, MERGE = "a" * 40, "b" * 40
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/payments",
    "GITHUB_SHA": MERGE,
    "GITHUB_REF_NAME": "main",
    "GITHUB_RUN_ID": "77",
    "GITHUB_ACTOR": "ada",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.example.com/acme/payments",
    "CI_COMMIT_SHA": MERGE,
    "CI_COMMIT_REF_NAME": "main",
    "CI_COMMIT_AUTHOR": "Ada <ada@example.com>",
    "CI_JOB_URL": "https://gitlab.example.com/acme/payments/-/jobs/77",
    "GITLAB_USER_EMAIL": "grace@example.com",
}
JENKINS = {
    "JENKINS_URL": "https://ci.example.com/",
    "BUILD_URL": "https://ci.example.com/job/payments/77/",
    "GIT_URL": "git@github.com:acme/payments.git",
    "GIT_COMMIT": MERGE,
    "GIT_BRANCH": "origin/main",
}
BITBUCKET = {
    "BITBUCKET_BUILD_NUMBER": "77",
    "BITBUCKET_REPO_FULL_NAME": "acme/payments",
    "BITBUCKET_COMMIT": HEAD,
    "BITBUCKET_BRANCH": "main",
}
AZURE = {
    "TF_BUILD": "True",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECT": "My Shop",
    "BUILD_REPOSITORY_URI": "https://acme@dev.azure.com/acme/shop/_git/payments",
    "BUILD_SOURCEVERSION": MERGE,
    "BUILD_SOURCEBRANCH": "refs/heads/main",
    "BUILD_REQUESTEDFOR": "Ada",
    "BUILD_REQUESTEDFOREMAIL": "ada@example.com",
    "BUILD_BUILDID": "77",
}
CODEBUILD = {
    "CODEBUILD_BUILD_ID": "payments:1",
    "CODEBUILD_BUILD_URL": "https://eu-central-1.console.aws.amazon.com/codebuild/home?region="
    "eu-central-1#/builds/payments:1/view/new",
    "CODEBUILD_RESOLVED_SOURCE_VERSION": HEAD,
    "CODEBUILD_SOURCE_REPO_URL": "https://github.com/acme/payments.git",
    "CODEBUILD_WEBHOOK_TRIGGER": "branch/main",
}
