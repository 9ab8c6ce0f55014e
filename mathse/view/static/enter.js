// From a file or another page: go on to the pages, and take along what is behind the `#`.
"use strict";
location.replace(document.querySelector("a").href + location.hash);
