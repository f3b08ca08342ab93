/** The part that the reference uses; the package has no types. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export default function SwaggerUI(options: {
    readonly url: string;
    readonly dom_id: string;
    readonly deepLinking: boolean;
    readonly filter: boolean;
    readonly tryItOutEnabled: boolean;
    readonly displayRequestDuration: boolean;
    readonly defaultModelsExpandDepth: number;
    readonly validatorUrl: null;
    readonly onComplete: () => void;
  }): { preauthorizeApiKey(scheme: string, value: string): void };
}
