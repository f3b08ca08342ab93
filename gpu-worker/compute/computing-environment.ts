/** Variables read by Node, system libraries and device drivers. */
const passedOn =
  /^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|LD_PRELOAD|NODE_OPTIONS|NODE_V8_COVERAGE|XDG_RUNTIME_DIR|(MALLOC|OMP|CUDA|CUDNN|NVIDIA|VK|ORT|TSX)_\w+)$/;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a process that decodes callers' files. It has no credentials or queue URLs that an
 * exploited decoder could read.
 */
export function computingEnvironment(worker: Environment): Environment {
  return Object.fromEntries(Object.entries(worker).filter(([name]) => passedOn.test(name)));
}
