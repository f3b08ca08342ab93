import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { createAwsClients } from "../shared/aws/clients.ts";

export interface LinkSigner {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Returns why S3 would reject this signed URL, or undefined if it would accept it. The URL is signed again
 * from its own parameters, and the signatures must match (AWS: "Authenticating Requests: Using Query
 * Parameters").
 *
 * @param host as in the request; the signature covers it
 */
export async function refuseLink(
  url: URL,
  host: string,
  credentials: LinkSigner,
  now: number,
): Promise<string | undefined> {
  const { searchParams } = url;
  const signed = searchParams.get("X-Amz-Date");
  const expiresIn = Number(searchParams.get("X-Amz-Expires"));
  const [, region] = /^[^/]+\/\d{8}\/([^/]+)\/s3\//.exec(searchParams.get("X-Amz-Credential") ?? "") ?? [];
  if (signed === null || region === undefined) return "AccessDenied";
  const iso = signed.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const signingDate = new Date(iso);
  if (!(signingDate.getTime() + expiresIn * 1000 >= now)) return "AccessDenied: request has expired";
  const [, bucket = "", ...key] = url.pathname.split("/").map(decodeURIComponent);
  const clients = createAwsClients({ region, credentials, storeEndpoint: `http://${host}` });
  try {
    const disposition = searchParams.get("response-content-disposition");
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key.join("/"),
      ...(disposition === null ? {} : { ResponseContentDisposition: disposition }),
    });
    const again = await getSignedUrl(clients.s3, command, { expiresIn, signingDate });
    return new URL(again).search === url.search ? undefined : "SignatureDoesNotMatch";
  } finally {
    clients.destroy();
  }
}
