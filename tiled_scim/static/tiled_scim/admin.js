// The SCIM Configuration page. All of it works without this script, but for the copy buttons.
"use strict";

// The Clipboard API is there on https and on localhost only.
async function copy(field) {
    field.select();
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(field.value);
    } else if (!document.execCommand("copy")) {
        throw new Error("The browser refused to copy.");
    }
}

for (const button of document.querySelectorAll("[data-copies]")) {
    const field = document.getElementById(button.dataset.copies);
    const outcome = document.getElementById(button.dataset.outcome);
    button.hidden = false;
    button.addEventListener("click", async () => {
        outcome.textContent = "";
        try {
            await copy(field);
            outcome.textContent = outcome.dataset.copied;
        } catch {
            outcome.textContent = outcome.dataset.refused;
        }
    });
}

// A double click would send the form twice: the browser shows the second answer, and the token was in
// the first one.
for (const form of document.querySelectorAll(".tiled-scim form")) {
    form.addEventListener("submit", (event) => {
        if (form.dataset.sent) {
            event.preventDefault();
        }
        form.dataset.sent = "yes";
    });
}

window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll(".tiled-scim form")) {
        delete form.dataset.sent;
    }
});

// A browser may keep the page as it was left, for its Back button: it must not show a secret again.
window.addEventListener("pagehide", () => {
    for (const field of document.querySelectorAll("[data-secret]")) {
        field.value = "";
    }
});
