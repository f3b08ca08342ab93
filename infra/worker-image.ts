import { deployer, stage } from "./stage.ts";

/**
 * The worker image, from the targets `cuda` and `cpu` of `gpu-worker/Dockerfile`. It must contain `main.mjs`,
 * `fetch-model.mjs` and `smoke.mjs` in its working directory, and `flock`; the user 1000 must own the volumes `/models`
 * and `/tmp`.
 */
const { image, repositories } =
  deployer.workerImage === undefined ? buildImage() : givenImage(deployer.workerImage);
export const workerImage = image;

/** Permissions to pull the image. The token is for the whole registry; the second statement limits it. */
export const pullWorkerImage = repositories.length
  ? [
      { actions: ["ecr:GetAuthorizationToken"], resources: ["*"] },
      {
        actions: ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
        resources: repositories,
      },
    ]
  : [];

/** Folder of the model in a container. */
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
          description: "Keeps ten images for rollbacks.",
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
    // Pushed by tag; tasks use the digest.
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

/** An image that was built elsewhere: in ECR with permission to pull it, or in a public registry. */
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
