// Apart from bin/cipherloom, because a Node that lacks import() must still parse that file.
'use strict';

var url = require('url');

module.exports = function importModule(file) {
  return import(url.pathToFileURL(file).href);
};
