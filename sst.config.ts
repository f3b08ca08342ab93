/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  async app({ stage }) {
    const { stageSettings, tagsOf } = await import("./infra/stages.ts");
    const { lasting } = stageSettings(stage);
    return {
      name: "visii",
      home: "aws",
      version: "4.17.1",
      providers: {
        aws: { version: "7.20.0", defaultTags: { tags: tagsOf(stage) } },
        "docker-build": "0.0.14",
        random: "4.16.6",
      },
      removal: lasting ? "retain" : "remove",
      protect: lasting,
    };
  },
  async run() {
    const { router } = await import("./infra/router.ts");
    const { bucket } = await import("./infra/bucket.ts");
    const { table } = await import("./infra/table.ts");
    await import("./infra/api.ts");
    await import("./infra/sweeper.ts");
    await import("./infra/due-rows.ts");
    await import("./infra/dead-letters.ts");
    await import("./infra/webhooks.ts");
    await import("./infra/settlement.ts");
    await import("./infra/scaler.ts");
    await import("./infra/alarms.ts");
    await import("./infra/dashboard.ts");
    await import("./infra/budget.ts");
    return { url: router.url, bucket: bucket.name, table: table.name };
  },
});
