import { tenureOver } from '../fence.ts';
import type { Tenure, WorkerInfo } from '../store.ts';

/** A worker that has joined. */
export interface Post {
  readonly worker: WorkerInfo;
  /** Of its tenure. */
  readonly fence: number;
  /** When its lease runs out: its post is lost if another worker comes after that, ms since 1970. */
  until: number;
}

/** A run that a worker has, until its lease runs out. */
export interface Held {
  readonly post: Post;
  until: number;
}

/** The workers of a store, by the fence of their tenures. */
export class Posts {
  readonly #posts = new Map<number, Post>();

  add(post: Post): void {
    this.#posts.set(post.fence, post);
  }

  remove({ fence }: Tenure): void {
    this.#posts.delete(fence);
  }

  find(fence: number): Post | undefined {
    return this.#posts.get(fence);
  }

  /** The one that joined last. */
  get last(): Post | undefined {
    return [...this.#posts.values()].at(-1);
  }

  /** @throws StoreError SC_STORE_FENCED */
  of({ worker, fence }: Tenure): Post {
    const post = this.#posts.get(fence);
    if (!post) throw tenureOver(`worker ${worker}`, fence, this.last?.fence);
    return post;
  }

  /** Whoever comes finds the posts of workers whose lease ran out, and they are lost to them; a lone worker that froze just goes on. */
  vacate(now: number, except?: Post): void {
    for (const post of this.#posts.values()) if (post !== except && post.until <= now) this.#posts.delete(post.fence);
  }
}

/** A post lasts as long as anything that is held from it. */
export function leased(post: Post, now: number): Held {
  const until = now + post.worker.leaseMs;
  post.until = Math.max(post.until, until);
  return { post, until };
}
