import { deployer, stage } from "./stage.ts";

/**
 * The worker's image. What this folder asks of it: the targets `cuda` and `cpu` of `gpu-worker/Dockerfile`;
 * `main.mjs` and `fetch-model.mjs` in its working directory; `flock` (util-linux); the user 1000 as owner of
 * the volumes `/models` and `/tmp`.
 */
const { image, repositories } =
  deployer.workerImage === undefined ? buildImage() : givenImage(deployer.workerImage);
export const workerImage = image;

/**
 * What pulling it takes. A token is for the whole registry; what it opens is said by the second statement.
 */
export const pullWorkerImage = repositories.length
  ? [
      { actions: ["ecr:GetAuthorizationToken"], resources: ["*"] },
      {
        actions: ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
        resources: repositories,
      },
    ]
  : [];

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
  const built = new dockerbuild.Image("WorkerImage", {
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
  return { image: built.ref, repositories: [repository.arn] };
}

/**
 * Built elsewhere. In a repository of ECR it is pulled by right; of any other registry it must be open to
 * all.
 */
function givenImage(name: string) {
  const [, account, region, repository] =
    /^(\d{12})\.dkr\.ecr\.([\w-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)/.exec(name) ?? [];
  const { partition } = aws.getPartitionOutput();
  return {
    image: $output(name),
    repositories: repository
      ? [$interpolate`arn:${partition}:ecr:${region}:${account}:repository/${repository}`]
      : [],
  };
}
