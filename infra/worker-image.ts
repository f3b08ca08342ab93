import { deployer, stage } from "./stage.ts";

/**
 * The worker's image. What this folder asks of it: the targets `cuda` and `cpu` of `gpu-worker/Dockerfile`; `main.mjs` and
 * `fetch-model.mjs` in its working directory; `flock` (util-linux); the user 1000 as owner of the volumes `/models` and `/tmp`.
 */
export const workerImage = deployer.workerImage === undefined ? buildImage() : $output(deployer.workerImage);

/** Where the worker finds its model, and what writes there is shared by the workers of a machine. */
export const modelFolder = "/models";

function buildImage() {
  const repository = new aws.ecr.Repository("WorkerImages", {
    imageScanningConfiguration: { scanOnPush: true },
    forceDelete: !stage.lasting,
  });
  new aws.ecr.LifecyclePolicy("WorkerImagesLifecycle", {
    repository: repository.name,
    policy: JSON.stringify({
      rules: [
        {
          rulePriority: 1,
          description: "To roll back to; the rest goes.",
          selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 10 },
          action: { type: "expire" },
        },
      ],
    }),
  });
  const access = aws.ecr.getAuthorizationTokenOutput({ registryId: repository.registryId });
  const image = new dockerbuild.Image("WorkerImage", {
    context: { location: $cli.paths.root },
    dockerfile: { location: `${$cli.paths.root}/gpu-worker/Dockerfile` },
    target: stage.device,
    platforms: ["linux/amd64"],
    push: true,
    // Pushed by tag, run by digest.
    tags: [$interpolate`${repository.repositoryUrl}:${stage.device}`],
    registries: [
      {
        address: repository.repositoryUrl,
        username: access.userName,
        password: $util.secret(access.password),
      },
    ],
  });
  return image.ref;
}
