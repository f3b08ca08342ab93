/** Maximum bytes of a single PUT. The S3 stand-in rejects bodies above 11 MiB; S3 accepts 5 GiB. */
const largestPiece = 8 * 1024 * 1024;

/**
 * Stores an object of any size in the stand-in; large ones as a multipart upload (AWS: "Uploading and copying
 * objects using multipart upload"). Resolves with the last response.
 */
export async function putObject(
  target: URL,
  bytes: Uint8Array<ArrayBuffer>,
  headers: Headers | Readonly<Record<string, string>>,
): Promise<Response> {
  if (bytes.byteLength <= largestPiece) return fetch(target, { method: "PUT", headers, body: bytes });
  const at = (query: string) => new URL(`${target.pathname}?${query}`, target);
  const begun = await fetch(at("uploads"), { method: "POST", headers });
  const [, id = ""] = /<UploadId>([^<]+)</.exec(await begun.text()) ?? [];
  const upload = `uploadId=${encodeURIComponent(id)}`;
  const parts: string[] = [];
  for (let from = 0; from < bytes.byteLength; from += largestPiece) {
    const number = parts.length + 1;
    const body = bytes.subarray(from, from + largestPiece);
    const sent = await fetch(at(`partNumber=${number}&${upload}`), { method: "PUT", body });
    if (!sent.ok) return sent;
    parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${sent.headers.get("etag")}</ETag></Part>`);
  }
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  return fetch(at(upload), { method: "POST", body });
}
