// The page where a setup link leads. The code is after the # of the URL: browsers do not send it.
// Without this script, people paste the link.
"use strict";

const field = document.querySelector("#setup-form [name=code]");
const code = window.location.hash.slice(1);

if (field && code) {
    field.value = decodeURIComponent(code);
    // The code should not stay in the address bar, nor in the history.
    window.history.replaceState(null, "", window.location.pathname);
}
