import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { certificatePem } from '../../common/certificate.ts';
import { SignerServiceService } from '../../proto/gen/signer/v1/signer.ts';
import type {
  AuditRecord,
  Description,
  GetRequestRequest,
  OutcomeEvent,
  SignReply,
  SignRequest,
  SignerServiceServer,
  WalletFacts,
} from '../../proto/gen/signer/v1/signer.ts';
import type { FakeHolder } from './fake-wallet.ts';

export type FakeSigner = {
  readonly address: string;
  /** Every Sign that came in, in order. */
  readonly asked: readonly SignRequest[];
  stop(): void;
};

export type FakeAnswers = {
  readonly describe?: () => Description;
  readonly facts?: () => WalletFacts;
  readonly sign?: (request: SignRequest) => SignReply | Promise<SignReply>;
  readonly request?: (asked: GetRequestRequest) => SignReply;
  readonly outcomes?: (after: bigint) => Iterable<OutcomeEvent>;
  readonly audit?: (after: bigint) => Iterable<AuditRecord>;
};

/** A true gRPC server with a holder's TLS identity and scripted answers; what has no script is UNIMPLEMENTED. */
export async function startFakeSigner(holder: FakeHolder, answers: FakeAnswers, port = 0): Promise<FakeSigner> {
  const server = new Server();
  const asked: SignRequest[] = [];
  const missing = { code: status.UNIMPLEMENTED, details: 'no script' };
  const unscripted = (_call: unknown, callback: (error: typeof missing) => void) => callback(missing);
  server.addService(SignerServiceService, {
    describe: (_call, callback) =>
      answers.describe === undefined ? callback(missing) : callback(null, answers.describe()),
    getRequest: (call, callback) =>
      answers.request === undefined ? callback(missing) : callback(null, answers.request(call.request)),
    submit: unscripted,
    pruneAudit: unscripted,
    provision: unscripted,
    getWallet: (_call, callback) => (answers.facts === undefined ? callback(missing) : callback(null, answers.facts())),
    sign: (call, callback) => {
      asked.push(call.request);
      if (answers.sign === undefined) return callback(missing);
      return void Promise.resolve(answers.sign(call.request)).then((reply) => callback(null, reply));
    },
    outcomes: (call) => {
      for (const event of answers.outcomes?.(call.request.after) ?? []) call.write(event); // stays open
    },
    audit: (call) => {
      for (const record of answers.audit?.(call.request.after) ?? []) call.write(record);
      call.end();
    },
  } satisfies SignerServiceServer);
  const pair = {
    private_key: Buffer.from(holder.privateKey.export({ format: 'pem', type: 'pkcs8' })),
    cert_chain: Buffer.from(certificatePem(holder.certificate)),
  };
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createSsl(null, [pair], false), (error, got) =>
      error === null ? resolve(got) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${bound}`,
    asked,
    stop: () => server.forceShutdown(),
  };
}
