import { html, type Markup } from './html.ts';

/** A bar over its whole width: the text beside it says the same, so readers skip it. */
export function bar(share: number, kind: 'fill' | 'fill2' = 'fill'): Markup {
  const percent = Number((100 * Math.min(1, Math.max(0, share))).toFixed(2));
  return html`<svg class="bar" width="100%" height="8" aria-hidden="true" focusable="false">
    <rect class="track" width="100%" height="8" rx="3" />
    ${percent > 0 && html`<rect class="${kind}" width="${percent}%" height="8" rx="3" />`}
  </svg>`;
}
