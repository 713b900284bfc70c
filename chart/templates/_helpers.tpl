{{- define "ingress-guard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The name of the Service, among others: a DNS label, whose first character is a letter. */}}
{{- define "ingress-guard.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $fullname := printf "%s-%s" .Release.Name $name }}
{{- if .Values.fullnameOverride }}
{{- $fullname = .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- $fullname = .Release.Name }}
{{- end }}
{{- if regexMatch "^[0-9]" $fullname }}
{{- fail (printf "fullnameOverride: the name %q of the Service begins with a digit, which Kubernetes does not allow; set another one" $fullname) }}
{{- end }}
{{- $fullname | replace "." "-" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* A name with a suffix that fits into a label: of (list . $suffix). */}}
{{- define "ingress-guard.suffixed" -}}
{{- $suffix := last . }}
{{- printf "%s-%s" (include "ingress-guard.fullname" (first .) | trunc (sub 62 (len $suffix) | int) | trimSuffix "-") $suffix }}
{{- end }}

{{- /* The name of objects outside the release's namespace. The namespace makes it unique, and contains no dot. */}}
{{- define "ingress-guard.clusterName" -}}
{{- $fullname := include "ingress-guard.fullname" . }}
{{- $namespace := include "ingress-guard.namespace" . }}
{{- if eq $fullname $namespace }}{{ $fullname }}{{ else }}{{ printf "%s.%s" $fullname $namespace }}{{ end }}
{{- end }}

{{- define "ingress-guard.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "ingress-guard.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ingress-guard.name" . | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end }}

{{- define "ingress-guard.labels" -}}
{{- include "ingress-guard.labelsWith" (list . dict) }}
{{- end }}

{{- /* The labels of an object: of (list . $labels). The first of two with one name applies, so that no value changes a selector. */}}
{{- define "ingress-guard.labelsWith" -}}
{{- $root := first . }}
{{- $selector := include "ingress-guard.selectorLabels" $root | fromYaml }}
{{- $chart := dict "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") }}
{{- $_ := set $chart "app.kubernetes.io/version" $root.Chart.AppVersion }}
{{- $_ := set $chart "app.kubernetes.io/managed-by" $root.Release.Service }}
{{- merge $selector (deepCopy (default dict (last .))) (deepCopy (default dict $root.Values.commonLabels)) $chart | toYaml }}
{{- end }}

{{- /* The labels of the pods, without those that change with the version: a new chart with the same pods restarts none. */}}
{{- define "ingress-guard.podLabels" -}}
{{- $selector := include "ingress-guard.selectorLabels" . | fromYaml }}
{{- merge $selector (deepCopy (default dict .Values.podLabels)) (deepCopy (default dict .Values.commonLabels)) | toYaml }}
{{- end }}

{{- define "ingress-guard.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "ingress-guard.fullname" .) .Values.serviceAccount.name }}
{{- else if and .Values.rbac.create (not .Values.serviceAccount.name) }}
{{- fail "serviceAccount.name: name the account, or leave serviceAccount.create true: the roles would be bound to the account default, which other pods of the namespace use as well" }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* The subject of every binding. */}}
{{- define "ingress-guard.subjects" -}}
- kind: ServiceAccount
  name: {{ include "ingress-guard.serviceAccountName" . | toYaml }}
  namespace: {{ include "ingress-guard.namespace" . | toYaml }}
{{- end }}

{{- /* The files of the token that Kubernetes would mount, with an expiry and an audience of their own. */}}
{{- define "ingress-guard.tokenVolume" -}}
projected:
  defaultMode: 288 # 0440
  sources:
    - serviceAccountToken:
        path: token
        expirationSeconds: {{ .Values.serviceAccount.token.expirationSeconds }}
        {{- with .Values.serviceAccount.token.audience }}
        audience: {{ . }}
        {{- end }}
    - configMap:
        name: kube-root-ca.crt
        items:
          - key: ca.crt
            path: ca.crt
    - downwardAPI:
        items:
          - path: namespace
            fieldRef:
              fieldPath: metadata.namespace
{{- end }}

{{- /* The labels of a pod that runs `doctor`. The Service does not select it. */}}
{{- define "ingress-guard.doctorLabels" -}}
app.kubernetes.io/name: {{ include "ingress-guard.name" . | trunc 56 | trimSuffix "-" }}-doctor
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end }}

{{- /* The account of these pods, which exists while they run. */}}
{{- define "ingress-guard.doctorAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- printf "%s-doctor" (include "ingress-guard.fullname" .) }}
{{- else }}
{{- include "ingress-guard.serviceAccountName" . }}
{{- end }}
{{- end }}

{{- /* The subject of their bindings. */}}
{{- define "ingress-guard.doctorSubjects" -}}
- kind: ServiceAccount
  name: {{ include "ingress-guard.doctorAccount" . | toYaml }}
  namespace: {{ include "ingress-guard.namespace" . | toYaml }}
{{- end }}

{{- /* Labels of their account and roles, and annotations: hooks of the same events as the pods, before and after them. */}}
{{- define "ingress-guard.doctorMetadata" -}}
labels:
  {{- include "ingress-guard.labels" . | nindent 2 }}
annotations:
  helm.sh/hook: test{{ if .Values.startupCheck.enabled }},post-install,post-upgrade{{ end }}
  helm.sh/hook-weight: "-1"
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end }}

{{- /* The specification of a pod that runs `doctor`. */}}
{{- define "ingress-guard.doctorPod" -}}
restartPolicy: Never
serviceAccountName: {{ include "ingress-guard.doctorAccount" . | toYaml }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: doctor
    image: {{ include "ingress-guard.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      - doctor
      - --dry-run-namespace={{ .Values.doctor.dryRunNamespace }}
      - --namespace={{ include "ingress-guard.namespace" . }}
      - --webhook-configuration={{ include "ingress-guard.clusterName" . }}
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ingress-guard.image" -}}
{{- $repository := .Values.image.repository }}
{{- with default .Values.image.registry (default dict .Values.global).imageRegistry }}
{{- $repository = printf "%s/%s" . $repository }}
{{- end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* The number of pods that answer now; 0 without access to the cluster. */}}
{{- define "ingress-guard.readyPods" -}}
{{- $deployment := lookup "apps/v1" "Deployment" (include "ingress-guard.namespace" .) (include "ingress-guard.fullname" .) }}
{{- dig "status" "readyReplicas" 0 (default dict $deployment) }}
{{- end }}

{{- define "ingress-guard.dnsPolicy" -}}
{{- default (ternary "ClusterFirstWithHostNet" "ClusterFirst" (default false .Values.hostNetwork)) .Values.dnsPolicy }}
{{- end }}

{{- /* The annotation in the values that makes another program write caBundle; empty if there is none. */}}
{{- define "ingress-guard.injector" -}}
{{- range $annotation := keys (default dict .Values.webhook.annotations) | sortAlpha }}
{{- if or (hasPrefix "cert-manager.io/inject-" $annotation) (hasPrefix "service.beta.openshift.io/inject-cabundle" $annotation) }}
{{- $annotation }}
{{- break }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The source of the serving certificate; fails if values of several sources are set. */}}
{{- define "ingress-guard.certificateMode" -}}
{{- $certificate := .Values.certificate }}
{{- $mode := $certificate.mode }}
{{- if hasKey (default dict $certificate.certManager) "enabled" }}
{{- fail "certificate.certManager.enabled was replaced: set certificate.mode to certManager (it was true), or to existingSecret (it was false), and remove it. Without both, the pods manage the certificate themselves (selfManaged)" }}
{{- else if and (ne $mode "existingSecret") $certificate.existingSecret }}
{{- fail (printf "certificate.existingSecret has no effect in certificate.mode %s: remove it, or set the mode to existingSecret" $mode) }}
{{- else if and (has $mode (list "selfManaged" "certManager")) $certificate.caBundle }}
{{- fail (printf "certificate.caBundle has no effect in certificate.mode %s: remove it, or set the mode to existingSecret or podCertificate" $mode) }}
{{- else if and (eq $mode "existingSecret") (not $certificate.existingSecret) }}
{{- fail "certificate.existingSecret: name the Secret with the serving certificate" }}
{{- else if and (eq $mode "podCertificate") (not $certificate.podCertificate.signerName) }}
{{- fail "certificate.podCertificate.signerName: name the signer of the certificates" }}
{{- else if and (eq $mode "selfManaged") .Values.webhook.url }}
{{- fail "webhook.url: a self-managed certificate is valid for the Service only: set certificate.mode to certManager, existingSecret or podCertificate" }}
{{- else if and (has $mode (list "selfManaged" "certManager")) (include "ingress-guard.injector" .) }}
{{- fail (printf "webhook.annotations: %s would replace the caBundle of certificate.mode %s: remove the annotation, or set the mode to existingSecret" (include "ingress-guard.injector" .) $mode) }}
{{- else if and (has $mode (list "existingSecret" "podCertificate")) .Values.webhook.enabled (not $certificate.caBundle) (not (include "ingress-guard.injector" .)) }}
{{- fail (printf "certificate.caBundle: the API server must know whom to trust: give the CA of the certificate in certificate.mode %s, or in webhook.annotations what puts it there (cert-manager.io/inject-ca-from-secret)" $mode) }}
{{- end }}
{{- $mode }}
{{- end }}

{{- /* The Secret that holds the serving certificate; empty if the pods manage it themselves. */}}
{{- define "ingress-guard.certificateSecret" -}}
{{- $mode := include "ingress-guard.certificateMode" . }}
{{- if eq $mode "certManager" }}
{{- printf "%s-tls" (include "ingress-guard.fullname" .) }}
{{- else if eq $mode "existingSecret" }}
{{- .Values.certificate.existingSecret }}
{{- end }}
{{- end }}

{{- /* The volume source of the serving certificate; empty if the pods manage it themselves. */}}
{{- define "ingress-guard.certificateVolume" -}}
{{- if eq (include "ingress-guard.certificateMode" .) "podCertificate" }}
{{- $request := .Values.certificate.podCertificate }}
projected:
  defaultMode: 288 # 0440
  sources:
    - podCertificate:
        signerName: {{ $request.signerName }}
        keyType: {{ $request.keyType }}
        maxExpirationSeconds: {{ $request.maxExpirationSeconds }}
        credentialBundlePath: credentials.pem
{{- else if include "ingress-guard.certificateSecret" . }}
secret:
  secretName: {{ include "ingress-guard.certificateSecret" . }}
  defaultMode: 288 # 0440
{{- end }}
{{- end }}

{{- /* The address of the runbooks; empty if it is not known. */}}
{{- define "ingress-guard.runbooks" -}}
{{- $url := default (printf "%s/blob/main/docs/runbooks" .Chart.Home) .Values.prometheusRule.runbookBaseUrl }}
{{- if not (contains "/OWNER/" $url) }}{{ trimSuffix "/" $url }}{{ end }}
{{- end }}

{{- /* The Secret of the CAs that the pods manage themselves. */}}
{{- define "ingress-guard.authoritySecret" -}}
{{- printf "%s-webhook-ca" (include "ingress-guard.fullname" .) }}
{{- end }}

{{- /* Helm reads `off` as YAML 1.1 does, a boolean; ingress-guard wants the word. */}}
{{- define "ingress-guard.level" -}}
{{- if and (kindIs "bool" .) (not .) }}off{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "ingress-guard.secretsMode" -}}
{{- $config := default dict .Values.config }}
{{- include "ingress-guard.level" (ternary $config.secrets "get" (hasKey $config "secrets")) }}
{{- end }}

{{- /* The namespaces whose Secrets and ConfigMaps may be read, as a JSON array; empty: all. */}}
{{- define "ingress-guard.secretNamespaces" -}}
{{- $configured := (default dict .Values.config).secretNamespaces | default list }}
{{- $bound := .Values.rbac.secretNamespaces | default list }}
{{- if and $configured $bound (ne (sortAlpha $configured | uniq | toJson) (sortAlpha $bound | uniq | toJson)) }}
{{- fail "rbac.secretNamespaces and config.secretNamespaces differ: set one of them" }}
{{- end }}
{{- default $bound $configured | toJson }}
{{- end }}

{{- /* Only IG604 reads ConfigMaps that annotations name. A rule for namespaces can turn it on again. */}}
{{- define "ingress-guard.configMapsMode" -}}
{{- $mode := "off" }}
{{- $config := default dict .Values.config }}
{{- range $index, $rule := prepend (default list $config.namespaces) $config }}
{{- $level := "" }}
{{- range $check, $of := $rule.checks | default dict }}
{{- if has (lower $check) (list "ig604" "annotation-reference-missing") }}{{ $level = include "ingress-guard.level" $of }}{{ end }}
{{- end }}
{{- if and (or (eq $index 0) $level) (ne $level "off") }}{{ $mode = "get" }}{{ end }}
{{- end }}
{{- $mode }}
{{- end }}

{{- /* The ConfigMaps that say how controllers are set up, each once, as a JSON array of `namespace/name`. */}}
{{- define "ingress-guard.configMaps" -}}
{{- $configMaps := list }}
{{- range (default dict .Values.config).dialects }}
{{- with .configMap }}
{{- $configMaps = append $configMaps . }}
{{- end }}
{{- end }}
{{- uniq $configMaps | toJson }}
{{- end }}

{{- /* The namespaces with a Role for the discovery of controllers, as a JSON array. A Role needs its namespace: the default ingress-nginx is
left out while it does not exist. */}}
{{- define "ingress-guard.controllerNamespaces" -}}
{{- $discovery := (default dict .Values.config).discovery | default dict }}
{{- $namespaces := list }}
{{- if eq (include "ingress-guard.level" (ternary (get $discovery "mode") "workloads" (hasKey $discovery "mode"))) "workloads" }}
{{- if hasKey $discovery "namespaces" }}
{{- $namespaces = default list $discovery.namespaces }}
{{- else }}
{{- $namespaces = list "kube-system" }}
{{- if lookup "v1" "Namespace" "" "ingress-nginx" }}
{{- $namespaces = append $namespaces "ingress-nginx" }}
{{- end }}
{{- end }}
{{- $namespaces = concat $namespaces (default list .Values.rbac.controllerNamespaces) }}
{{- end }}
{{- uniq $namespaces | toJson }}
{{- end }}

{{- define "ingress-guard.config" -}}
{{- $config := deepCopy (default dict .Values.config) }}
{{- if hasKey $config "secrets" }}
{{- $_ := set $config "secrets" (include "ingress-guard.secretsMode" .) }}
{{- end }}
{{- with include "ingress-guard.secretNamespaces" . | fromJsonArray }}
{{- $_ := set $config "secretNamespaces" . }}
{{- end }}
{{- if hasKey (default dict $config.discovery) "mode" }}
{{- $_ := set $config.discovery "mode" (include "ingress-guard.level" $config.discovery.mode) }}
{{- end }}
{{- range $rule := prepend (default list $config.namespaces) $config }}
{{- range $check, $level := default dict $rule.checks }}
{{- $_ := set $rule.checks $check (include "ingress-guard.level" $level) }}
{{- end }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- /* The Lease of the background audit; empty: the configuration disables the audit. */}}
{{- define "ingress-guard.backgroundLease" -}}
{{- if dig "background" "enabled" true (default dict .Values.config) }}{{ include "ingress-guard.fullname" . | trunc 52 | trimSuffix "-" }}-background{{ end }}
{{- end }}
