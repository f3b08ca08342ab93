"""Uploads a pair, learns from it, edits a photo and reads the result, with the generated client only.

    python use_client.py URL KEY BEFORE AFTER
"""
import sys
import time
import urllib.request

import urllib3
import visii_client as visii

url, key, *files = sys.argv[1:]
client = visii.ApiClient(visii.Configuration(host=url, access_token=key))
uploads, instructions, edits = visii.UploadsApi(client), visii.InstructionsApi(client), visii.EditsApi(client)


def upload(path: str) -> str:
    with open(path, "rb") as file:
        data = file.read()
    form = uploads.create_upload(visii.CreateUpload(content_type="image/png", bytes=len(data)))
    answer = urllib3.request("POST", form.url, fields={**form.fields, "file": ("photo.png", data, "image/png")})
    assert answer.status < 300, answer.data
    assert uploads.complete_upload(form.id).status == "ready"
    return form.id


def ended(get, id: str):
    for _ in range(60):
        job = get(id, prefer="wait=5")
        if job.status in ("succeeded", "failed", "canceled"):
            assert job.status == "succeeded", job.error
            return job
        time.sleep(0.2)
    raise AssertionError(f"{id} did not end")


before, after = (upload(path) for path in files)
learned = instructions.create_instruction(visii.CreateInstruction(pairs=[visii.Pair(before=before, after=after)], steps=2))
ended(instructions.get_instruction, learned.id)
edit = edits.create_edit(visii.CreateEdit(instruction=learned.id, images=[before]))
[result] = ended(edits.get_edit, edit.id).results
with urllib.request.urlopen(result.url) as answer:
    print(answer.headers["Content-Type"], len(answer.read()))
try:
    edits.get_edit("edt_00000000000000000000000000")
except visii.ApiException as error:
    print(error.status)
