"""NVIDIA's client of the protocol against a running server: health, metadata, infer with binary tensors.

usage: tritonclient.py HOST:PORT MODEL KEYS-SHA256 REQUEST.ct ANSWER.ct

Writes the answer's ciphertexts and prints what it learned as one JSON object.
"""

import json
import sys

# This file has the name of the package: its own folder must not be searched for it.
sys.path.pop(0)

import numpy
import tritonclient.http as http
from tritonclient.utils import InferenceServerException


def main(address: str, model: str, keys: str, request: str, answer: str) -> None:
    client = http.InferenceServerClient(address)
    assert client.is_server_live()
    assert client.is_server_ready()
    server = client.get_server_metadata()
    metadata = client.get_model_metadata(model)
    (version,) = metadata["versions"]
    assert client.is_model_ready(model)
    assert client.is_model_ready(model, version)
    assert not client.is_model_ready(model, "1")

    with open(request, "rb") as file:
        ciphertext = numpy.array([file.read()], dtype=object)
    tensor = http.InferInput("ciphertext", [1], "BYTES")
    tensor.set_data_from_numpy(ciphertext, binary_data=True)

    # With the outputs named, without them, and by version: one answer.
    asked = [http.InferRequestedOutput("ciphertext", binary_data=True)]
    answers = []
    for options in ({"outputs": asked}, {}, {"model_version": version}):
        result = client.infer(
            model,
            [tensor],
            request_id=f"triton-{len(answers)}",
            parameters={"keys": keys, "plan": metadata["parameters"]["plan"]},
            **options,
        )
        response = result.get_response()
        assert response["id"] == f"triton-{len(answers)}", response
        assert response["model_version"] == version, response
        answers.append(result.as_numpy("ciphertext")[0])
    assert answers[0] == answers[1] == answers[2]
    with open(answer, "wb") as file:
        file.write(answers[0])

    refusal = None
    try:
        client.infer(model, [tensor], parameters={"keys": "0" * 64})
    except InferenceServerException as error:
        refusal = {"status": error.status(), "message": error.message()}
    print(json.dumps({"server": server, "model": metadata, "refusal": refusal}))


if __name__ == "__main__":
    main(*sys.argv[1:])
