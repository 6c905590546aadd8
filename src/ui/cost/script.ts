/**
 * What a report can do where script runs: its tables sort by a column and filter by a word. Without it the page reads
 * the same. Cells carry what they are sorted by in `data-v`; the rows of what belongs to no one stay at the end.
 */
export const SCRIPT = `
document.querySelectorAll('table.sortable').forEach(function(table){
var body=table.tBodies[0],heads=[].slice.call(table.tHead.rows[0].cells);
var rank=function(row,i){var cell=row.cells[i],v=cell.getAttribute('data-v');
return v===null?cell.firstChild.textContent.trim().toLowerCase():v===''?null:Number(v)};
heads.forEach(function(th,i){
var button=document.createElement('button');button.type='button';button.textContent=th.textContent;
th.textContent='';th.appendChild(button);
button.addEventListener('click',function(){
var up=th.getAttribute('aria-sort')?th.getAttribute('aria-sort')==='descending':i===0;
heads.forEach(function(one){one.removeAttribute('aria-sort')});
th.setAttribute('aria-sort',up?'ascending':'descending');
var sorted=document.createDocumentFragment();
[].slice.call(body.rows).map(function(row){return{row:row,rest:row.classList.contains('rest'),v:rank(row,i)}})
.sort(function(a,b){
if(a.rest!==b.rest)return a.rest?1:-1;if(a.rest)return 0;
if(a.v===null||b.v===null)return(a.v===null)-(b.v===null);
var order=a.v<b.v?-1:a.v>b.v?1:0;return up?order:-order})
.forEach(function(one){sorted.appendChild(one.row)});
body.appendChild(sorted)})});
if(body.rows.length<8)return;
var tools=document.createElement('div');tools.className='tools';
var label=document.createElement('label');label.textContent='Filter ';
var input=document.createElement('input');input.type='search';input.autocomplete='off';
var said=document.createElement('span');said.className='soft';said.setAttribute('role','status');
label.appendChild(input);tools.appendChild(label);tools.appendChild(said);table.parentNode.insertBefore(tools,table);
input.addEventListener('input',function(){
var word=input.value.trim().toLowerCase(),shown=0;
[].forEach.call(body.rows,function(row){
var hit=row.cells[0].textContent.toLowerCase().indexOf(word)>=0;row.hidden=!hit;if(hit)shown++});
said.textContent=word?shown+' of '+body.rows.length+' rows; the totals are of all':''})
});
`.trim();
