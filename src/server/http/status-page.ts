/** A plain page that says what a server does now. */
import { executionBytes } from '../models/served-model.ts';
import type { HttpContext } from './context.ts';

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1b1b1b;background:#fff}table{border-collapse:collapse}td,th{text-align:left;padding:.25rem .75rem .25rem 0;
vertical-align:top}code{overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}a{color:#8ab4f8}}`;

export function statusPage({ version, models, queue, ready, admission }: HttpContext): string {
  const { waiting, running, capacity } = queue.state();
  const rows = [...models.values()].map((model) => {
    const { request, response } = executionBytes(model);
    return `<tr><td><a href="/v2/models/${escape(model.name)}">${escape(model.name)}</a></td><td><code>${model.version}</code></td><td>${model.client.batch}</td><td>${mebibytes(model.keyBytes)}</td><td>${mebibytes(request)}</td><td>${mebibytes(response)}</td></tr>`;
  });
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>cipherloom</title><style>${style}</style></head>
<body>
<h1>cipherloom ${escape(version)}</h1>
<p>${ready() ? 'Takes requests.' : 'Takes no requests: it is starting or stopping.'}
${running} of ${capacity} evaluations run, ${waiting} wait, ${admission.requests} requests are here.</p>
<p>This server evaluates networks on encrypted inputs. It holds no secret key and sees neither inputs nor results.</p>
<table>
<tr><th>model</th><th>version</th><th>images at once</th><th>keys</th><th>request</th><th>answer</th></tr>
${rows.join('\n')}
</table>
<p><a href="/openapi.json">openapi.json</a> · <a href="/metrics">metrics</a></p>
</body>
</html>
`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
