import { expect, it } from 'vitest';
import { html, raw } from '../../../src/ui/cost/html.ts';

it('every value is escaped, markup is not, and nothing is nothing', () => {
  const cell = html`<td title="${'"\'<&>'}">${'<script>'}</td>`;
  expect(cell.html).toBe('<td title="&quot;&#39;&lt;&amp;&gt;">&lt;script&gt;</td>');
  expect(html`${[cell, '<']}${null}${0}${raw('<hr>')}`.html).toBe(`${cell.html}&lt;0<hr>`);
});
