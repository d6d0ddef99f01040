/** What `serve` and `worker` load when they are run: fastify and the rest are of no use to other commands. */
export { expandedKeys, KeyStore } from '../server/keys/key-store.ts';
export { readTls } from '../server/http/read-tls.ts';
export { makeLogger } from '../server/http/logger.ts';
export { loadModels, modelSource } from '../server/models/served-model.ts';
export { openLocalQueue, openQueue } from '../server/queue/open-queue.ts';
export { startService } from '../server/service.ts';
export { oneTenant, readTenants } from '../server/tenants/tenants.ts';
