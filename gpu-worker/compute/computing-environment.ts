/** Variables that Node, the system's libraries and a device's driver read. */
const passedOn =
  /^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|LD_PRELOAD|NODE_OPTIONS|NODE_V8_COVERAGE|XDG_RUNTIME_DIR|(MALLOC|OMP|CUDA|CUDNN|NVIDIA|VK|ORT|TSX)_\w+)$/;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of the process that decodes callers' files: without credentials, queue addresses and whatever else the worker
 * is told, so that a broken decoder finds no secret in it.
 */
export function computingEnvironment(worker: Environment): Environment {
  return Object.fromEntries(Object.entries(worker).filter(([name]) => passedOn.test(name)));
}
