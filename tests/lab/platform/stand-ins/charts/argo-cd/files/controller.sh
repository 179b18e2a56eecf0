# A stand-in for Argo CD's application controller: applies the manifests that an Application's git repository has at its path, with the
# credential of the repository's Secret, and says in the Application's status how that went. No Helm, no Kustomize, no pruning, no waves.
set -u
export HOME=/tmp KUBECTL="/usr/bin/kubectl --namespace $NAMESPACE" GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=0

field() { # field APPLICATION PATH: of its spec
  $KUBECTL get applications.argoproj.io "$1" -o "jsonpath={.spec.$2}"
}

credential() { # credential URL: USER:PASSWORD of the Secret that names this repository
  $KUBECTL get secrets --selector argocd.argoproj.io/secret-type=repository \
    -o 'jsonpath={range .items[*]}{.data.url} {.data.username} {.data.password}{"\n"}{end}' |
    while read -r url user password; do
      [ "$(echo "$url" | base64 -d)" != "$1" ] || [ -z "$password" ] || echo "$(echo "$user" | base64 -d):$(echo "$password" | base64 -d)"
    done
}

judge() { # judge APPLICATION SYNC HEALTH [MESSAGE]: writes its status, if it is another than before
  local conditions='[]' patch
  [ -z "${4:-}" ] || conditions="[{\"type\":\"ComparisonError\",\"message\":\"$(printf %s "$4" | tr '\n"\\' "  '" | cut -c1-500)\"}]"
  patch="{\"status\":{\"sync\":{\"status\":\"$2\"},\"health\":{\"status\":\"$3\"},\"conditions\":$conditions}}"
  [ "$(cat "/tmp/said-$1" 2>/dev/null)" = "$patch" ] && [ -n "$(field "$1" project)" ] &&
    [ "$($KUBECTL get applications.argoproj.io "$1" -o 'jsonpath={.status.sync.status}')" = "$2" ] ||
    { $KUBECTL patch applications.argoproj.io "$1" --type merge --patch "$patch" && printf %s "$patch" >"/tmp/said-$1"; }
}

fetch() { # fetch URL REVISION DIRECTORY
  local login
  login=$(credential "$1")
  [ -z "$login" ] || export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraHeader \
    GIT_CONFIG_VALUE_0="Authorization: Basic $(printf %s "$login" | base64 | tr -d '\n')"
  rm -rf "$3"
  /usr/bin/git clone --quiet "$1" "$3" && /usr/bin/git -C "$3" checkout --quiet "$2"
}

healthy() { # healthy NAMESPACE MANIFESTS: have all deployments their pods?
  local object
  for object in $(/usr/bin/kubectl --namespace "$1" get -f "$2" -o name | grep '^deployment'); do
    /usr/bin/kubectl --namespace "$1" rollout status "$object" --timeout=1s >/dev/null 2>&1 || return 1
  done
}

follow() { # follow APPLICATION
  local repository path namespace project said revision
  repository=$(field "$1" source.repoURL) path=$(field "$1" source.path) revision=$(field "$1" source.targetRevision)
  namespace=$(field "$1" destination.namespace) project=$(field "$1" project)
  if ! said=$($KUBECTL get appprojects.argoproj.io "$project" 2>&1); then
    judge "$1" Unknown Unknown "no project $project: $said"
  elif ! said=$(fetch "$repository" "${revision:-HEAD}" "/tmp/repository-$1" 2>&1); then
    judge "$1" Unknown Healthy "cannot read $repository: $said"
  elif [ ! -d "/tmp/repository-$1/$path" ]; then
    judge "$1" Unknown Healthy "$path: app path does not exist"
  elif ! said=$(/usr/bin/kubectl --namespace "${namespace:-default}" apply --server-side --force-conflicts -f "/tmp/repository-$1/$path" 2>&1); then
    judge "$1" OutOfSync Healthy "$said"
  elif healthy "${namespace:-default}" "/tmp/repository-$1/$path"; then
    judge "$1" Synced Healthy
  else
    judge "$1" Synced Progressing
  fi
}

while :; do
  for application in $($KUBECTL get applications.argoproj.io -o 'jsonpath={.items[*].metadata.name}'); do
    (follow "$application")
  done
  sleep 3
done
