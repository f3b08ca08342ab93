/** The part that the reference uses; the package has no types. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export type Props = Readonly<Record<string, unknown>>;
  export interface System {
    readonly React: { createElement(type: unknown, props: Props | null, ...children: unknown[]): unknown };
  }
  export default function SwaggerUI(options: {
    readonly plugins: readonly ((system: System) => object)[];
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
