// The JSON API to read and try, drawn from /api/openapi.json.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./docs.scss";

// Swagger UI's own dark colours follow a class on the root; ours follow an attribute.
const root = document.documentElement;
const followTheme = (): void => {
  root.classList.toggle("dark-mode", root.dataset["bsTheme"] === "dark");
};
followTheme();
new MutationObserver(followTheme).observe(root, { attributes: true, attributeFilter: ["data-bs-theme"] });

const target = document.getElementById("api-docs");
if (target !== null) {
  SwaggerUI({
    domNode: target,
    url: target.dataset["document"],
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "list",
    // Unsafe calls carry the token of the signed-in session, as our own pages send it.
    requestInterceptor: (request: { headers: Record<string, string> }) => {
      const token = target.dataset["csrf"];
      if (token) request.headers["X-CSRF-TOKEN"] = token;
      return request;
    },
  });
}
