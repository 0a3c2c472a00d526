"""A roster from the file to the students: preview, confirmation, the same file twice, crashes, strangers."""

import io

import pytest
import xlsxwriter
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.features.accounts.model import Account, AccountState
from tests.support.people import World

CSV = "Roll No;Student Name;E-mail ID\nN03;Kiran Rao;kiran@example.edu\nN04;Lata Sen;\n"


def upload(
    browser: FlaskClient, content: bytes | str, name: str = "roster.csv", batch: str = "north-a"
) -> TestResponse:
    data = content.encode() if isinstance(content, str) else content
    return browser.post(f"/batches/{batch}/students/import", data={"file": (io.BytesIO(data), name)})


def hidden(page: str, name: str) -> str:
    return page.split(f'name="{name}" value="')[1].split('"')[0]


def confirm(browser: FlaskClient, preview: TestResponse, batch: str = "north-a") -> TestResponse:
    data = {name: hidden(preview.text, name) for name in ("upload_id", "digest")}
    return browser.post(f"/batches/{batch}/students/import/confirm", data=data)


def rolls(world: World, batch: str = "north-a") -> list[str]:
    return [student.roll_number for student in world.services.students.list_by_batch(batch)]


def test_nothing_is_stored_before_it_is_confirmed(world: World) -> None:
    meera = world.browser("meera")
    preview = upload(meera, CSV)
    assert preview.status_code == 200
    assert "Import 2 students" in preview.text
    assert rolls(world) == ["N01", "N02"]
    assert confirm(meera, preview).status_code == 302
    assert rolls(world) == ["N01", "N02", "N03", "N04"]
    kiran = world.services.accounts.find_by_login("n03@north")
    assert kiran is not None
    assert (kiran.email, kiran.state) == ("kiran@example.edu", AccountState.INVITED)
    assert world.actions() == ["roster_imported"]


def test_the_same_file_twice_changes_nothing(world: World) -> None:
    meera = world.browser("meera")
    confirm(meera, upload(meera, CSV))
    before = [world.services.students.list_by_batch("north-a"), world.actions()]
    again = upload(meera, CSV)
    assert "There is nothing to import" in again.text
    assert confirm(meera, again).status_code == 302
    assert [world.services.students.list_by_batch("north-a"), world.actions()] == before


def test_every_problem_is_named_by_row_and_column_and_the_good_rows_can_go_in(world: World) -> None:
    meera = world.browser("meera")
    table = (
        "College of North\n\nRoll No,Student Name,E-mail ID\n"
        "N03,Kiran Rao,kiran@example.edu\n,No Number,\nN05,,x@example.edu\nN06,Bad Mail,not-an-address\nN03,Double,\n"
    )
    preview = upload(meera, table)
    for row, column, code in (
        (5, "A (Roll No)", "roll_number_missing"),
        (6, "B (Student Name)", "name_missing"),
        (7, "C (E-mail ID)", "email_invalid"),
        (8, "A (Roll No)", "roll_number_twice"),
    ):
        assert f'<td class="text-end">{row}</td><td>{column}</td>' in preview.text
        assert f"<code>{code}</code>" in preview.text
    assert "Import 1 student, leave out 4 rows" in preview.text
    assert confirm(meera, preview).status_code == 302
    assert rolls(world) == ["N01", "N02", "N03"]


def test_changed_and_moved_students_are_shown_before_they_change(world: World) -> None:
    meera = world.browser("meera")
    preview = upload(meera, "Roll,Name,Email\nn01,Asha K. Nair,\n", batch="north-b")
    assert "Name: Asha Nair → Asha K. Nair" in preview.text
    assert "Batch: 2026 A → 2026 B" in preview.text
    assert confirm(meera, preview, batch="north-b").status_code == 302
    asha = world.student("asha")
    assert (asha.name, asha.batch_id, asha.login) == ("Asha K. Nair", "north-b", "asha@example.edu")
    assert asha.email == "asha@example.edu"  # an empty cell takes nothing away
    assert world.account("asha").display_name == "Asha K. Nair"


def test_another_campuss_student_with_the_same_number_stays_untouched(world: World) -> None:
    meera = world.browser("meera")
    preview = upload(meera, "Roll,Name\nS01,Not Salma\n")
    assert "Salma" not in preview.text.replace("Not Salma", "")
    confirm(meera, preview)
    assert world.student("salma").name == "Salma Khan"
    assert rolls(world) == ["N01", "N02", "S01"]


def test_a_login_that_is_taken_is_a_problem_not_an_overwrite(world: World) -> None:
    preview = upload(world.browser("meera"), "Roll,Name,Login\nN07,Thief,omar@example.edu\n")
    assert "<code>login_taken</code>" in preview.text
    assert "Nothing can be imported" in preview.text


def test_what_changed_since_the_preview_is_shown_again_not_imported_blindly(world: World) -> None:
    meera = world.browser("meera")
    preview = upload(meera, CSV)
    meera.post("/batches/north-b/students/new", data={"roll_number": "N03", "name": "Somebody Else"})
    reply = confirm(meera, preview)
    assert reply.status_code == 409
    assert "Something changed since you looked" in reply.text
    assert rolls(world) == ["N01", "N02"]
    assert confirm(meera, reply).status_code == 302
    assert rolls(world) == ["N01", "N02", "N03", "N04"]


def test_a_newer_upload_replaces_the_preview_and_an_old_one_ends(world: World) -> None:
    meera = world.browser("meera")
    first, second = upload(meera, CSV), upload(meera, "Roll,Name\nN09,Uma\n")
    assert confirm(meera, first).status_code == 422
    world.clock.move(hours=13)
    meera = world.browser("meera")
    assert confirm(meera, second).status_code == 422
    assert rolls(world) == ["N01", "N02"]


def test_a_preview_belongs_to_who_uploaded_it_and_to_its_batch(world: World) -> None:
    preview = upload(world.browser("meera"), CSV)
    assert confirm(world.browser("omar"), preview, batch="south-a").status_code == 422
    assert confirm(world.browser("omar"), preview).status_code == 404
    assert confirm(world.browser("meera"), preview, batch="north-b").status_code == 422


def test_an_account_that_a_crash_left_without_its_student_is_taken_up(world: World) -> None:
    world.services.accounts.add(
        Account(
            id="waiting", login="n03@north", email=None, display_name="Kiran", role=world.account("asha").role,
            campus_id="north", state=AccountState.INVITED, password_hash=None, created_at=world.clock(),
        )
    )  # fmt: skip
    meera = world.browser("meera")
    assert confirm(meera, upload(meera, CSV)).status_code == 302
    assert world.student("waiting").roll_number == "N03"


def workbook(*rows: tuple[object, ...]) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return target.getvalue()


def test_a_spreadsheet_with_titles_above_and_numbers_as_numbers(world: World) -> None:
    meera = world.browser("meera")
    students = ((1, "Kiran", 230041), (2, "Lata", "007"))
    content = workbook(("North College",), (), ("Sl.", "Name of the Student", "ROLL NO."), *students)
    assert confirm(meera, upload(meera, content, "list.xlsx")).status_code == 302
    assert rolls(world) == ["007", "230041", "N01", "N02"]


def test_two_students_with_one_address_are_named_before_they_are_imported(world: World) -> None:
    meera = world.browser("meera")
    assert "same e-mail address" not in upload(meera, CSV).text
    preview = upload(meera, CSV + "N05;Mira Sen;kiran@example.edu\n")
    assert "kiran@example.edu</span>: rows 2, 4" in preview.text
    assert confirm(meera, preview).status_code == 302
    assert rolls(world) == ["N01", "N02", "N03", "N04", "N05"]


def test_the_empty_list_can_be_downloaded_filled_and_uploaded(world: World) -> None:
    meera = world.browser("meera")
    template = meera.get("/roster-template.xlsx")
    assert template.status_code == 200
    refused = upload(meera, template.data, "students.xlsx")
    assert "There is no student below the headings" in refused.text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file is empty"),
        (b"\x00\x01\x02\x03" * 100, "cannot be read as a table"),
        (b"a,b,c\n1,2,3\n", "No headings were found"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_with_what_to_do(world: World, content: bytes, says: str) -> None:
    reply = upload(world.browser("meera"), content)
    assert says in reply.text
    assert rolls(world) == ["N01", "N02"]


def test_no_file_at_all(world: World) -> None:
    reply = world.browser("meera").post("/batches/north-a/students/import", data={})
    assert reply.status_code == 422
    assert "Choose a file" in reply.text


def test_a_large_college_fits(world: World) -> None:
    lines = ["Roll,Name,Email"] + [f"R{n:05},Student {n},s{n}@example.edu" for n in range(2000)]
    meera = world.browser("meera")
    assert confirm(meera, upload(meera, "\n".join(lines))).status_code == 302
    assert world.services.students.count_by_batch("north-a") == 2002
    page = meera.get("/batches/north-a")
    assert "Further students" in page.text
    assert page.text.count("@example.edu</td>") <= 250
