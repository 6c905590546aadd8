/** The look of a report: light or dark as the reader's system is, one column on a phone, plain on paper. */
export const STYLE = `
:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#16181d;--soft:#565c68;--line:#dfe2e8;--mark:#eef2fb;
--direct:#2563d9;--allocated:#0b8a7d;--overhead:#b57600;--unallocated:#7a808c;--loss:#c0262d;--gain:#1a7f43;--focus:#2563d9}
@media (prefers-color-scheme:dark){:root{--page:#0f1115;--card:#181b21;--ink:#e9ebef;--soft:#a3a9b5;--line:#2c313a;--mark:#20262f;
--direct:#7aa7ff;--allocated:#3ccbb9;--overhead:#f0b84a;--unallocated:#8f96a3;--loss:#ff8087;--gain:#5fd38d;--focus:#9dbdff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:72rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.25rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .35rem;letter-spacing:-.015em}
h2{font-size:1.2rem;margin:0 0 .25rem}
h3{font-size:1rem;margin:1.1rem 0 .2rem}
p{margin:.25rem 0 .75rem;max-width:46rem}
a{color:var(--direct)}
code{font:.9em ui-monospace,"DejaVu Sans Mono",monospace}
.soft,small{color:var(--soft)}
.pills{display:flex;flex-wrap:wrap;gap:.4rem;padding:0;margin:.75rem 0 0;list-style:none}
.pills li{border:1px solid var(--line);background:var(--card);border-radius:99px;padding:.1rem .7rem;font-size:.85rem;color:var(--soft)}
.pills .warn{border-color:var(--overhead);color:var(--ink)}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.25rem 1.35rem;margin:1.25rem 0}
dl.sum{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1rem 1.5rem;margin:.9rem 0 0}
dl.sum div{border-top:3px solid var(--line);padding-top:.45rem}
dl.sum dt{font-size:.85rem;color:var(--soft)}
dl.sum dd{margin:0;font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums}
dl.sum dd small{display:block;font-size:.8rem;font-weight:400}
.bill{border-color:var(--ink)!important}
.direct{--c:var(--direct)}.allocated{--c:var(--allocated)}.overhead{--c:var(--overhead)}.unallocated{--c:var(--unallocated)}
dl.sum .direct,dl.sum .allocated,dl.sum .overhead,dl.sum .unallocated{border-color:var(--c)}
rect.direct,rect.allocated,rect.overhead,rect.unallocated{fill:var(--c)}
svg{display:block;width:100%}
svg text{fill:var(--soft);font-size:12px}
.stack{border-radius:6px;overflow:hidden;margin-top:1rem}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;margin-top:.5rem}
caption{text-align:left;color:var(--soft);padding:0 0 .6rem}
th,td{padding:.5rem .65rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}
thead th{font-size:.85rem;font-weight:600;color:var(--soft);border-bottom:2px solid var(--line);white-space:nowrap}
tbody th{font-weight:600}
tbody th small{font-weight:400;margin-left:.35em}
td{white-space:nowrap}
tbody tr:hover{background:var(--mark)}
tfoot th,tfoot td{font-weight:700;border-bottom:0;border-top:2px solid var(--ink)}
tr.rest th,tr.rest td{font-weight:400;font-style:italic;color:var(--soft)}
.none{color:var(--soft)}
.loss{color:var(--loss);font-weight:600}.gain{color:var(--gain)}
th button{all:unset;cursor:pointer;border-radius:4px;padding:0 .15rem}
th button::after{content:" \\2195";opacity:.45}
th[aria-sort=ascending] button::after{content:" \\2191";opacity:1}
th[aria-sort=descending] button::after{content:" \\2193";opacity:1}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.tools{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;margin:.75rem 0 0}
.tools input{font:inherit;color:inherit;background:var(--page);border:1px solid var(--soft);border-radius:8px;padding:.3rem .6rem;width:min(18rem,100%)}
ul.bars{list-style:none;margin:.75rem 0 0;padding:0;display:grid;gap:.45rem}
ul.bars li{display:grid;grid-template-columns:minmax(6rem,14rem) 1fr minmax(5.5rem,auto);gap:.75rem;align-items:center}
ul.bars span:last-child{text-align:right;font-variant-numeric:tabular-nums}
.key{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;list-style:none;padding:0;margin:.6rem 0 0;font-size:.85rem;color:var(--soft)}
.key li::before{content:"";display:inline-block;width:.75em;height:.75em;border-radius:3px;margin-right:.4em;background:var(--c)}
.method{columns:2 22rem;column-gap:2.5rem}
.method>div{break-inside:avoid}
.method h3{margin-top:.4rem}
footer{padding-bottom:2.5rem;font-size:.85rem}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.4rem .8rem;border-radius:8px}
details{border-top:1px solid var(--line);padding:.6rem 0}
summary{cursor:pointer;color:var(--soft)}
@media (max-width:44rem){
main,header,footer{padding-left:.85rem;padding-right:.85rem}
section{padding:1rem .95rem}
h1{font-size:1.5rem}
dl.sum{grid-template-columns:1fr 1fr;gap:.9rem 1rem}
table.wide,table.wide tbody,table.wide tfoot,table.wide caption{display:block}
table.wide thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.wide thead:focus-within{position:static;width:auto;height:auto;clip-path:none}
table.wide tr{display:grid;grid-template-columns:1fr 1fr;gap:.05rem 1.1rem;padding:.7rem 0;border-bottom:1px solid var(--line)}
table.wide th,table.wide td{border:0;padding:.05rem 0}
table.wide tbody th,table.wide tfoot th{grid-column:1/-1}
table.wide td{display:flex;justify-content:space-between;gap:.5rem;font-size:.9rem}
table.wide td::before{content:attr(data-label);color:var(--soft);font-weight:400}
table.wide tfoot tr{border-top:2px solid var(--ink);border-bottom:0}
ul.bars li{grid-template-columns:1fr auto;gap:.1rem .75rem}
ul.bars li svg{grid-column:1/-1;grid-row:2}
th,td{padding:.4rem .3rem}
}
@media print{body{background:#fff}section{border:0;padding:0;margin:1rem 0}.tools{display:none}th button::after{content:""}}
@media (prefers-reduced-motion:no-preference){tbody tr{transition:background .12s}}
`.replace(/\n/g, '');
