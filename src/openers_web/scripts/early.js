// Marks the page as one with scripts before it is drawn. A file of its own, since the policy allows no inline script.
document.documentElement.classList.add("js");
document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) document.body.classList.add("nhsuk-frontend-supported");
