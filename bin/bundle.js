// Loads the built program with V8's code cache: compiling it anew takes longer than most commands.
const { readFileSync } = require('node:fs');
const { createRequire, enableCompileCache } = require('node:module');
const { dirname } = require('node:path');
const vm = require('node:vm');

/** The bundle's exports, and the script they come from. The cache holds for the Node that built it. */
exports.load = function load(file) {
  const cachedData = read(`${file}.cache`);
  // The build has wrapped it as Node wraps a module: (function (exports, require, …) {…}).
  const script = new vm.Script(readFileSync(file, 'latin1'), { filename: file, cachedData });
  // Another Node than the builder's has a cache of its own, from 22.8 on.
  if (cachedData === undefined || script.cachedDataRejected) enableCompileCache?.();
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
  return { script, ...module.exports };
};

function read(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
