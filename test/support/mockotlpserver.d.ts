/** The part of @elastic/mockotlpserver 0.10.0 we use; the package has no types of its own. */
declare module '@elastic/mockotlpserver' {
  export class MockOtlpServer {
    constructor(options: {
      logLevel?: string;
      services?: ('http' | 'grpc' | 'ui')[];
      httpHostname?: string;
      httpPort?: number;
      onTrace?: (request: unknown) => void;
    });
    httpUrl: URL | null;
    start(): Promise<void>;
    close(): Promise<void>;
  }
}

declare module '@elastic/mockotlpserver/lib/proto.js' {
  export function getProtoRoot(): { lookupType(name: string): { decode(bytes: Uint8Array): unknown } };
}
