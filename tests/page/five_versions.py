"""One app over five versions: what people upload and decide, with the page."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from samples.payments_versions import payments_versions

SETTINGS = {"approvalCovers": "findings", "recordApprover": "true"}


def play(window: Callable[[str], Page]) -> Page:
    """Upload the five versions and decide about them; return the window of the first person."""
    ada, grace, lin = (window(f"?as={name}") for name in ("ada", "grace", "lin"))
    first, second, third, fourth, fifth = payments_versions()

    upload(ada, "api-1.4.zip", first, "to decide")
    click(grace, "Approve", Reason="Only reachable by VPN; rewritten in 2.0", Days="60")
    expect(titles(ada).last).to_contain_text("approved until")

    upload(ada, "api-1.5.zip", second, "approved")
    expect(titles(ada)).to_have_count(3)

    upload(lin, "api-1.6.zip", third, "to decide")
    click(ada, "Approve", Reason="Order numbers are our own; fixed in 1.7", Days="7")
    expect(titles(ada).last).to_contain_text("approved until")
    click(grace, "Extend", Reason="1.7 waits for the bank", Days="14")
    expect(titles(ada).last).to_contain_text("extended")

    upload(ada, "api-1.7.zip", fourth, "passed")
    expect(titles(ada).last).to_contain_text("passes again")

    upload(lin, "api-1.8.zip", fifth, "approved")
    expect(titles(ada)).to_have_count(8)
    return ada


def upload(page: Page, name: str, body: bytes, status: str) -> None:
    """Upload a version of payments, and wait for its status in the list."""
    uploads = page.locator(".upload")
    count = uploads.count()
    page.get_by_label("App", exact=True).fill("payments")
    page.locator("#zip").set_input_files(
        [{"name": name, "mimeType": "application/zip", "buffer": body}]
    )
    expect(uploads).to_have_count(count + 1)
    expect(uploads.first.locator(".chip")).to_have_text(status)


def click(page: Page, label: str, **answers: str) -> None:
    """Click the last button of that label, and answer what it asks."""
    page.get_by_role("button", name=label, exact=True).last.click()
    for name, value in answers.items():
        page.get_by_label(name, exact=True).fill(value)
    page.locator("#ask-go").click()
    expect(page.locator(".answer").last).not_to_have_text("…")


def titles(page: Page) -> Locator:
    return page.locator(".card h3")
