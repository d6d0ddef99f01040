/** The HTTP server: Open Inference Protocol v2, keys, and what operators need. */
import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { malformed, RequestError } from '../request-error.ts';
import { answerClientError } from './client-error.ts';
import type { HttpContext } from './context.ts';
import { allowOrigins } from './cors.ts';
import { replyWithError } from './error-reply.ts';
import { routePaths } from './route-paths.ts';
import { healthRoutes } from './routes/health.ts';
import { inferRoutes } from './routes/infer.ts';
import { keyRoutes } from './routes/keys.ts';
import { modelRoutes } from './routes/models.ts';
import { operationRoutes } from './routes/operations.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose request it is; empty where the route needs no token. */
    tenant: string;
  }
}

export interface TlsOptions {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface AppOptions {
  readonly logger: FastifyBaseLogger;
  readonly tls: TlsOptions | null;
  /** Milliseconds for the headers of a request to arrive. */
  readonly headersTimeoutMs: number;
}

/** Node's default for all headers together; ours for their number and for an address. */
const maxHeaderBytes = 16384;
const maxHeaders = 100;
const maxUrlBytes = 4096;

export async function makeApp(context: HttpContext, options: AppOptions): Promise<FastifyInstance> {
  const { logger, tls, headersTimeoutMs } = options;
  const { bodyTimeoutMs } = context.limits;
  const server = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    // Bodies have a deadline of their own; this one ends what hangs before a route sees it.
    requestTimeout: headersTimeoutMs + bodyTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
    keepAliveTimeout: 65_000,
  };
  const app = fastify({
    ...(tls === null ? { http: server } : { https: { ...server, ...tls } }),
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    requestTimeout: server.requestTimeout,
    keepAliveTimeout: server.keepAliveTimeout,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _, reply) => {
      void replyWithError(reply, malformed(error.message, { status: error.statusCode ?? 400 }));
    },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  }) as unknown as FastifyInstance;
  app.server.maxHeadersCount = 0;

  // Bodies are streams: a route decides from the headers whether it reads them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    done(null, payload);
  });
  app.decorateRequest('tenant', '');
  watchRequests(app, context);
  allowOrigins(app, context.corsOrigins);
  requireTokens(app, context);

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'cipherloom',
        version: context.version,
        description:
          'Inference on CKKS ciphertexts: the Open Inference Protocol v2 with binary tensors, and an upload of evaluation keys',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
  });
  const paths = routePaths(app);
  app.setErrorHandler((error, _request, reply) => replyWithError(reply, named(error)));
  app.setNotFoundHandler((request, reply) => {
    const allowed = paths.methodsOf(request.url);
    if (allowed.length === 0) {
      return replyWithError(
        reply,
        new RequestError('NOT_FOUND', 'no such path', {
          status: 404,
          hint: '/openapi.json lists the paths',
        }),
      );
    }
    void reply.header('allow', allowed.join(', '));
    return replyWithError(
      reply,
      malformed(`${request.method} is not for this path`, {
        status: 405,
        details: { allowed },
        hint: `use ${allowed.join(' or ')}`,
      }),
    );
  });
  await app.register(async (routes) => {
    healthRoutes(routes, context);
    modelRoutes(routes, context);
    inferRoutes(routes, context);
    keyRoutes(routes, context);
    operationRoutes(routes, context);
  });

  await app.ready();
  return app;
}

/** Limits on what Node lets through, figures, and one line of the log a request: no body, no token. */
function watchRequests(app: FastifyInstance, { metrics }: HttpContext): void {
  app.addHook('onRequest', async ({ raw, id }, reply) => {
    void reply.headers({ 'x-request-id': id, 'x-content-type-options': 'nosniff' });
    if ((raw.url ?? '').length > maxUrlBytes) {
      throw malformed('the address is too long', { status: 414, details: { limit: maxUrlBytes } });
    }
    if (raw.rawHeaders.length > 2 * maxHeaders) {
      throw malformed('the request has too many headers', {
        status: 431,
        details: { got: raw.rawHeaders.length / 2, limit: maxHeaders },
      });
    }
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, tenant } = request;
    const route = routeOptions.url ?? 'none';
    const { statusCode, elapsedTime } = reply;
    // A client that went away got none; 499 is what proxies call it.
    const status = reply.raw.writableFinished ? statusCode : 499;
    metrics.requestSeconds.observe({ method, route, status }, elapsedTime / 1000);
    request.log.info({ method, route, status, tenant, ms: Math.round(elapsedTime) }, 'request');
  });
}

/** Routes whose schema says so need a token. Answers 401. */
function requireTokens(app: FastifyInstance, { tenants }: HttpContext): void {
  app.addHook('onRequest', async (request) => {
    const { schema } = request.routeOptions;
    if ((schema as { security?: unknown } | undefined)?.security === undefined) return;
    const tenant = tenants.tenantOf(request.headers.authorization);
    if (tenant === null) {
      throw new RequestError('UNAUTHORIZED', 'the request has no token that is known here', {
        status: 401,
        hint: 'send Authorization: Bearer TOKEN',
      });
    }
    request.tenant = tenant;
  });
}

/** Fastify's own refusals as ours. */
function named(thrown: unknown): unknown {
  const { statusCode, message, code } = thrown as {
    statusCode?: number;
    message?: string;
    code?: string;
  };
  if (typeof statusCode !== 'number' || statusCode >= 500 || code === undefined) return thrown;
  if (thrown instanceof RequestError) return thrown;
  return malformed(message ?? 'the request is malformed', { status: statusCode });
}
