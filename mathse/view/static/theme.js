// Before anything is drawn: the theme that was chosen last, if one was; a cookie, since storage is by port, and each start has another one.
"use strict";
{
  const chosen = document.cookie.match(/(?:^|; )mathse-theme=(light|dark)(?:;|$)/);
  if (chosen) document.documentElement.dataset.theme = chosen[1];
}
