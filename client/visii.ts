/** The typed client: `visii({ baseUrl, key }).edits.create({ … })`. It has no dependencies except fetch. */
import { readBatchLines } from "./batch-lines.ts";
import { followEvents } from "./event-stream.ts";
import { type CallOptions, type ClientOptions, createSend, download, type Send } from "./http.ts";
import type {
  AccountResource,
  BatchResource,
  CreateBatch,
  CreatedKey,
  CreatedUploadToken,
  CreatedWebhook,
  CreateEdit,
  CreateInstruction,
  CreateKey,
  CreateUpload,
  CreateUploadToken,
  CreateWebhook,
  DeliveryResource,
  Download,
  EditResource,
  ImportInstruction,
  InstructionResource,
  JobEvent,
  KeyResource,
  Page,
  UpdateInstruction,
  UpdateWebhook,
  Upload,
  UploadForm,
  UploadTokenResource,
  UploadType,
  UsageReport,
  WebhookResource,
} from "./resources.ts";

export { ApiError, type CallOptions, type ClientOptions } from "./http.ts";
export type * from "./resources.ts";

/** Milliseconds between two requests while waiting for a job. */
const interval = 1000;

interface WebhookSecret {
  readonly secret: string;
}

interface All<Item> {
  readonly data: readonly Item[];
}

export function visii(options: ClientOptions) {
  const send = createSend(options);
  return {
    uploads: uploads(send, options),
    instructions: {
      ...jobs<InstructionResource>(send, options, "instructions"),
      create: (body: CreateInstruction, call?: CallOptions) =>
        send<InstructionResource>("POST", "/v1/instructions", body, call),
      import: (body: ImportInstruction, call?: CallOptions) =>
        send<InstructionResource>("POST", "/v1/instructions/import", body, call),
      update: (id: string, body: UpdateInstruction) =>
        send<InstructionResource>("PATCH", `/v1/instructions/${id}`, body),
    },
    edits: {
      ...jobs<EditResource, EditListOptions>(send, options, "edits"),
      create: (body: CreateEdit, call?: CallOptions) => send<EditResource>("POST", "/v1/edits", body, call),
      /** Downloads a result. @throws ApiError `results_expired` after it was deleted */
      download: (id: string, index: number, signal?: AbortSignal) =>
        download(options, `/v1/edits/${id}/results/${index}`, signal),
    },
    batches: {
      ...resources<BatchResource>(send, "batches"),
      create: (body: CreateBatch, call?: CallOptions) =>
        send<BatchResource>("POST", "/v1/batches", body, call),
      delete: (id: string) => send<void>("DELETE", `/v1/batches/${id}`),
      /** Streams the lines that succeeded so far, from `fromLine`. */
      output: (id: string, fromLine?: number, signal?: AbortSignal) =>
        readBatchLines(options, `/v1/batches/${id}/output`, fromLine, signal),
      /** Streams the lines that did not succeed. */
      errors: (id: string, fromLine?: number, signal?: AbortSignal) =>
        readBatchLines(options, `/v1/batches/${id}/errors`, fromLine, signal),
      pause: (id: string) => send<BatchResource>("POST", `/v1/batches/${id}/pause`),
      resume: (id: string) => send<BatchResource>("POST", `/v1/batches/${id}/resume`),
    },
    keys: {
      /** The secret is returned only in this response. */
      create: (body: CreateKey = {}) => send<CreatedKey>("POST", "/v1/keys", body),
      list: () => send<All<KeyResource>>("GET", "/v1/keys"),
      get: (id: string) => send<KeyResource>("GET", `/v1/keys/${id}`),
      revoke: (id: string) => send<void>("DELETE", `/v1/keys/${id}`),
    },
    webhooks: {
      /** The secret, for `verifyWebhook` of `visii-client/webhooks`, is returned only in this response. */
      create: (body: CreateWebhook) => send<CreatedWebhook>("POST", "/v1/webhooks", body),
      list: () => send<All<WebhookResource>>("GET", "/v1/webhooks"),
      get: (id: string) => send<WebhookResource>("GET", `/v1/webhooks/${id}`),
      update: (id: string, body: UpdateWebhook) => send<WebhookResource>("PATCH", `/v1/webhooks/${id}`, body),
      delete: (id: string) => send<void>("DELETE", `/v1/webhooks/${id}`),
      /** Sends a `ping` to the webhook. */
      ping: (id: string) => send<DeliveryResource>("POST", `/v1/webhooks/${id}/ping`),
      /** Rotates the secret. For a day, payloads are signed with both secrets. */
      rotate: (id: string) => send<CreatedWebhook>("POST", `/v1/webhooks/${id}/rotate`),
      /** The secret for the `webhook` URLs of jobs. */
      secret: () => send<WebhookSecret>("GET", "/v1/webhooks/secret"),
      rotateSecret: () => send<WebhookSecret>("POST", "/v1/webhooks/secret/rotate"),
      deliveries: () => send<All<DeliveryResource>>("GET", "/v1/webhooks/deliveries"),
      replay: (id: string) => send<DeliveryResource>("POST", `/v1/webhooks/deliveries/${id}/replay`),
    },
    account: {
      get: () => send<AccountResource>("GET", "/v1/account"),
      /** Closes the account and erases its data. @param confirm the account's ID */
      delete: (confirm: string) => send<void>("DELETE", `/v1/account?${new URLSearchParams({ confirm })}`),
    },
    usage: (period: { readonly from?: string; readonly to?: string } = {}) =>
      send<UsageReport>("GET", `/v1/usage?${new URLSearchParams({ ...period })}`),
  };
}

export type Visii = ReturnType<typeof visii>;

function uploads(send: Send, { fetch: post = fetch }: ClientOptions) {
  const create = (body: CreateUpload) => send<UploadForm>("POST", "/v1/uploads", body);
  const get = (id: string) => send<Upload>("GET", `/v1/uploads/${id}`);
  const complete = (id: string) => send<Upload>("POST", `/v1/uploads/${id}/complete`);
  return {
    create,
    complete,
    get,
    delete: (id: string) => send<void>("DELETE", `/v1/uploads/${id}`),
    /** Short-lived tokens for uploads from phones and browsers. A client can use a token as its `key`. */
    tokens: {
      /** The token itself is returned only in this response. */
      create: (body: CreateUploadToken = {}) => send<CreatedUploadToken>("POST", "/v1/uploads/tokens", body),
      list: (options?: ListOptions) =>
        send<Page<UploadTokenResource>>("GET", `/v1/uploads/tokens?${queryOf(options)}`),
      revoke: (id: string) => send<void>("DELETE", `/v1/uploads/tokens/${id}`),
    },
    /** Creates an upload from a public `https:` URL or a `data:` URI. */
    download: (url: string, name?: string) =>
      send<Upload>("POST", "/v1/uploads/download", { url, name } satisfies Download),
    /** Creates an upload, posts the file and completes the upload. */
    async send(bytes: Uint8Array<ArrayBuffer>, content_type: UploadType, name?: string): Promise<Upload> {
      const { id, url, fields } = await create({ content_type, bytes: bytes.byteLength, name });
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append("file", new Blob([bytes], { type: content_type }));
      const answer = await post(url, { method: "POST", body: form });
      if (!answer.ok)
        throw new Error(
          `The storage returned status ${answer.status} for upload ${id}: ${await answer.text()}`,
        );
      return complete(id);
    },
  };
}

export interface ListOptions {
  readonly limit?: number;
  readonly cursor?: string;
}

export interface JobListOptions<Status extends string> extends ListOptions {
  readonly status?: Status;
}

export interface EditListOptions extends JobListOptions<EditResource["status"]> {
  /** Edits of this batch. Without it, edits of batches are excluded. */
  readonly batch?: string;
}

function queryOf(options: ListOptions = {}): URLSearchParams {
  return new URLSearchParams(
    Object.entries(options).map(([name, value]): [string, string] => [name, String(value)]),
  );
}

interface HasStatus {
  readonly status: string;
}

function resources<Resource extends HasStatus, Options extends ListOptions = ListOptions>(
  send: Send,
  collection: string,
) {
  const get = (id: string, call?: CallOptions) =>
    send<Resource>("GET", `/v1/${collection}/${id}`, undefined, call);
  return {
    get,
    list: (options?: Options) => send<Page<Resource>>("GET", `/v1/${collection}?${queryOf(options)}`),
    cancel: (id: string) => send<Resource>("POST", `/v1/${collection}/${id}/cancel`),
    /** Resolves when the job has ended, with any status. */
    async wait(id: string, signal?: AbortSignal): Promise<Resource> {
      for (;;) {
        const now = await get(id, { wait: 30, ...(signal ? { signal } : {}) });
        if (!["queued", "running", "scheduled", "paused"].includes(now.status)) return now;
        await new Promise((resolve) => setTimeout(resolve, interval));
        signal?.throwIfAborted();
      }
    },
  };
}

function jobs<Resource extends HasStatus, Options extends ListOptions = JobListOptions<Resource["status"]>>(
  send: Send,
  options: ClientOptions,
  collection: "instructions" | "edits",
) {
  return {
    ...resources<Resource, Options>(send, collection),
    delete: (id: string) => send<void>("DELETE", `/v1/${collection}/${id}`),
    /** Streams the job's events until it ends. */
    events: (id: string, signal?: AbortSignal): AsyncGenerator<JobEvent> =>
      followEvents(options, `/v1/${collection}/${id}/events`, signal),
  };
}
